from ablate.backprop.command import main
from ablate.utils.leaving import leave

leave(main)
