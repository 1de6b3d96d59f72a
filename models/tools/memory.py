"""What workers keep in memory: methods with ``ormcache``."""

IS_NOTED = "cloud_pbx.forget"


def forget(env):
    """Have all workers read anew what they keep in memory: this transaction changes it.

    At once, for what this transaction still reads, and once more when it is over: until
    then a thread of this process, or a job, that reads it keeps what was there before.
    """
    clear_cache = env.registry.clear_cache
    clear_cache()
    # Whichever comes; Odoo drops the other.
    for callbacks in (env.cr.postcommit, env.cr.postrollback):
        if not callbacks.data.get(IS_NOTED):
            callbacks.data[IS_NOTED] = True
            callbacks.add(clear_cache)
