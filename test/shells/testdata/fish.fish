# Prints what fish completes at the end of a command line, one candidate a line.
credential-resolver completion fish | source
complete -C $argv[1]
