from ablate.cli import console

console()
