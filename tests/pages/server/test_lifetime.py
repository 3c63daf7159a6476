import subprocess
import sys

import pytest

TELL = """
import resource
from pages.server.lifetime import OPEN_FILES, allow_open_files
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
allow_open_files()
wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
print(*resource.getrlimit(resource.RLIMIT_NOFILE), wanted, most)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have limits of their own")
def test_a_server_that_was_given_few_open_files_takes_what_it_may_have():
    ended = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True)
    now, most, wanted, before = ended.stdout.split()
    assert (now, most) == (wanted, before)
