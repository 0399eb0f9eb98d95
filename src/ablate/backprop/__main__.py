from ablate.backprop.command import main
from ablate.utils.console import leave

leave(main)
