namespace PyResolve.Server.Hosting;

/// <summary>
/// When to ask the store for work that is due: after this instance has written something, when the next work that is known falls due, and
/// otherwise seldom, for what other instances left. For one caller.
/// </summary>
/// <param name="commits">How many transactions this instance has committed.</param>
/// <param name="time">By which work falls due.</param>
/// <param name="pace">By which others' work is looked for; by default real time, also where tests give the server another clock.</param>
internal sealed class LookSchedule(Func<long> commits, TimeProvider time, TimeProvider? pace = null)
{
    /// <summary>The longest time between two looks.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly TimeProvider _pace = pace ?? TimeProvider.System;

    private DateTimeOffset? _next;
    private (long At, long Commits) _begun;
    private (long At, long Commits)? _last;

    /// <returns>Whether to look now. Then <see cref="End"/> follows; without it the look has failed, and the next one is not put off.</returns>
    public bool TryBegin()
    {
        // Read first: a look does not find what is committed after it.
        var now = (At: _pace.GetTimestamp(), Commits: commits());
        if (_last is { } last && last.Commits == now.Commits && _pace.GetElapsedTime(last.At, now.At) < Longest
            && !(_next <= time.GetUtcNow()))
            return false;
        (_begun, _last) = (now, null);
        return true;
    }

    /// <param name="next">When the next work in the store is due; null: there is none.</param>
    public void End(DateTimeOffset? next) => (_next, _last) = (next, _begun);
}
