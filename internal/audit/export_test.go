package audit

// MaxQueued is the most lines that wait.
const MaxQueued = maxQueued
