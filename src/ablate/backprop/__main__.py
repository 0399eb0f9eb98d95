import sys

from ablate.backprop.command import main

sys.exit(main())
