# Lets Control-T complete the line, write it to a file and end the shell.
autoload -U compinit
compinit -u -D
source <(credential-resolver completion zsh)
complete-and-exit() { zle complete-word; print -r -- "$BUFFER" > completed; exit }
zle -N complete-and-exit
bindkey '^T' complete-and-exit
