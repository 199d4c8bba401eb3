namespace PyResolve.Server.Hosting;

/// <summary>
/// When to ask the store for work that is due: after this instance has written something, when the next known work falls due, and otherwise
/// seldom, for what other processes wrote. For one caller.
/// </summary>
/// <param name="longest">The longest time between two looks.</param>
/// <param name="writes">How many transactions of this instance have ended.</param>
/// <param name="time">By which work falls due.</param>
/// <param name="pace">By which others' work is looked for; by default real time, also where tests give the server another clock.</param>
internal sealed class LookSchedule(TimeSpan longest, Func<long> writes, TimeProvider time, TimeProvider? pace = null)
{
    private readonly TimeProvider _pace = pace ?? TimeProvider.System;

    private DateTimeOffset? _next;
    private (long At, long Writes) _begun;
    private (long At, long Writes)? _last;

    /// <returns>Whether to look now. <see cref="End"/> follows a look that succeeds; one that fails is repeated.</returns>
    public bool TryBegin()
    {
        // Read first: a look may miss what is written during it.
        var now = (At: _pace.GetTimestamp(), Writes: writes());
        if (_last is { } last && last.Writes == now.Writes && _pace.GetElapsedTime(last.At, now.At) < longest
            && !(_next <= time.GetUtcNow()))
            return false;
        (_begun, _last) = (now, null);
        return true;
    }

    /// <param name="next">When the next work in the store is due; null: there is none.</param>
    public void End(DateTimeOffset? next) => (_next, _last) = (next, _begun);
}
