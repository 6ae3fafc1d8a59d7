# Prints a command line as zsh completes it. Completion needs a terminal: zpty makes one.
zmodload zsh/zpty
zpty typed zsh -f -i
zpty -w typed ". '${0:h}/typed.zsh'"
zpty -w -n typed "$1"$'\x14' # Control-T
while zpty -r typed line; do :; done
cat completed
