from ablate.cli.main import console

console()
