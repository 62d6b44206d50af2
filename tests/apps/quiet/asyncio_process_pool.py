"""An event loop that asks a pool of processes and runs other programs."""

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor


async def main():
    """Both at once, several times."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        for _ in range(5):
            asked = [loop.run_in_executor(pool, os.getpid) for _ in range(4)]
            program = await asyncio.create_subprocess_exec("true")
            assert await program.wait() == 0
            assert os.getpid() not in await asyncio.gather(*asked)


if __name__ == "__main__":
    asyncio.run(main())
