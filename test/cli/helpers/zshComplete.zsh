# Types each line and the tab key into a real interactive zsh, and prints what its line editor shows.
# First argument: the completion file.
zmodload zsh/zpty
zpty z "TERM=dumb zsh -f -i"
zpty -w z "PS1=''; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source $1; echo rea''dy"
zpty -r -m z ignored '*ready*'
for line in "${@[2,-1]}"; do
  zpty -w -n z "$line"$'\t'
  sleep 1
  zpty -w -n z $'\x15\n'
done
zpty -w z "echo don''e"
zpty -r -m z shown '*done*'
print -r -- "$shown"
zpty -d z
