/** What `inetgw --help` says below the options. */
export const HELP_TEXT = `
UP and DOWN are the raw rates of the line, uplink first: plain numbers are kbit/s, 1.7mbit, 16mbit and
1gbit are understood too. Take what the modem says, or let searchbw find them.

Unless told otherwise, a ppp device is taken for PPPoE over ATM (pppoe-llcsnap), an Ethernet device for
one whose provider counts frames with header and checksum (docsis), any other for bare IP (raw).
Framing keywords: raw, conservative, ipoa-vcmux, ipoa-llcsnap, bridged-vcmux, bridged-llcsnap, pppoa-vcmux,
pppoa-llc, pppoe-vcmux, pppoe-llcsnap, pppoe-ptm, bridged-ptm, docsis, ethernet, ether-vlan.

Examples:
  inetgw ppp0 210 1710                       shape an ADSL line
  inetgw ppp0 10mbit 50mbit --framing vdsl          a VDSL line
  inetgw eth1 20mbit 100mbit --framing cable        a cable line
  inetgw ppp0                                show what it does
  inetgw ppp0 clear                          take it away
  inetgw ppp0 210 1710 --dry-run             see what would be run
  inetgw check [DEV]                         what this machine has and lacks for it

Set up once:
  inetgw install-hook ppp ppp0 210 1710      whenever the line comes up; also networkmanager, ifupdown, systemd
  inetgw config check                        is /etc/inetgw.conf right?
  inetgw config example                      prints one to begin with
  inetgw apply [DEV]                         do what it says
  inetgw status                              all devices that are set up or in the file
  source <(inetgw completion bash)           the Tab key knows all three commands; also zsh, fish
  inetgw rules egress ppp0 --format nft      the rules for a firewall of your own; also ingress, sh
  inetgw uninstall [--purge]                 take away all that was set up, and the npm package itself

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not in force or not as configured, 4 no privilege, 5 a program or kernel feature is missing,
6 bad configuration, 128+n ended by signal n.
`;
