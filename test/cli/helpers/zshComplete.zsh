# Types each line and the tab key into a real interactive zsh, and prints what its line editor shows.
# First argument: the completion file.
zmodload zsh/zpty
zpty z "TERM=dumb zsh -f -i"
# What is waited for stands as a whole only in what is shown, not in what was typed, nor in a path.
zpty -w z "PS1='line'' editor> '; autoload -Uz compinit; compinit -u -D; source $1"
zpty -r -m z ignored '*line editor> *'
all=
number=0
for line in "${@[2,-1]}"; do
  number=$((number + 1))
  zpty -w -n z "$line"$'\t'
  # Keys are worked off in order: once this is shown, the tab has done what it does.
  zpty -w -n z "@mark$number@"
  zpty -r -m z shown "*@mark$number@*"
  all+=$shown
  zpty -w -n z $'\x15\n'
  zpty -r -m z ignored '*line editor> *'
done
print -r -- "$all"
zpty -d z
