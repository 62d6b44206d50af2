"""A child's event loop gives work to a pool whose thread it does not have; with an argument to one of its own."""
import asyncio
import concurrent.futures
import os
import sys

pool = concurrent.futures.ThreadPoolExecutor(1)
pool.submit(int).result()  # started in <module>


def sleeps(thread):
    """True when it waits for work: for a futex, without a limit of time."""
    with open(f"/proc/self/task/{thread.native_id}/syscall") as file:
        call = file.read().split()
    return call[0] == "202" and call[4] == "0x0"


async def serve():
    loop = asyncio.get_running_loop()
    work = loop.run_in_executor(pool, os.getpid)  # used in serve
    loop.call_later(1.5, work.cancel)
    while not work.done():
        await asyncio.sleep(0.1)


while not all(sleeps(thread) for thread in pool._threads):
    os.sched_yield()
child = os.fork()
if child == 0:
    if len(sys.argv) > 1:
        pool = concurrent.futures.ThreadPoolExecutor(1)
    asyncio.run(serve())  # waits in <module>
    os._exit(0)
os.waitpid(child, 0)
