"""The last module that the fork server imports: what is there by now is no garbage, and collectors pass it by.

Without this the first collection in each forked process looks at everything that was imported, and copies its pages.
"""

import gc

gc.freeze()
