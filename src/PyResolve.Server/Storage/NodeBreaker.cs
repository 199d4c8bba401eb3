namespace PyResolve.Server.Storage;

/// <summary>
/// Refuses work on a node that does not answer, except for one request at a time that finds out whether it does again. The others would
/// each hold a connection until their time limit; and of what cannot be cancelled there, such as a commit, Citus keeps its own session
/// until the node answers. So the longer this lasts, the less often the node is asked. Thread-safe.
/// </summary>
internal sealed class NodeBreaker(TimeProvider time)
{
    /// <summary>The shortest time limit of a statement: what fails sooner was not for want of an answer.</summary>
    private static readonly TimeSpan Silence = Database.ReadTimeout;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    /// <summary>The request that asks may go on for long, as an export does. After this another one asks.</summary>
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private long? _answeredAt;
    private TimeSpan? _pause;

    // During a pause, the node is asked by no request for this long.
    private long _since;
    private TimeSpan _wait;

    /// <exception cref="StoreUnavailableException">The node does not answer.</exception>
    public Attempt Begin()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (_pause is null)
                return new Attempt(this, now, isProbe: false);
            if (time.GetElapsedTime(_since, now) < _wait)
            {
                throw new StoreUnavailableException(
                    "The database does not answer.", new TimeoutException("The node of this account has not answered others before."));
            }

            (_since, _wait) = (now, ProbeTimeout);
            return new Attempt(this, now, isProbe: true);
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause + pause < LongestPause ? pause + pause : LongestPause;

    private void Answered()
    {
        lock (_gate)
            (_answeredAt, _pause) = (time.GetTimestamp(), null);
    }

    private void Failed(long startedAt, bool isProbe, bool mayBeSilence)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            // Where the node answered others meanwhile, this statement was slow.
            var isSilence = mayBeSilence && time.GetElapsedTime(startedAt, now) >= Silence && !(_answeredAt > startedAt);
            if (_pause is null ? !isSilence : !isProbe)
                return;
            // A probe that learned nothing leaves the pause as long as it was, and the next one asks soon.
            _pause = _pause is { } last ? isSilence ? Longer(last) : last : ShortestPause;
            (_since, _wait) = (now, isSilence ? _pause.Value : ShortestPause);
        }
    }

    /// <summary>One piece of work on the node. Disposed of without an answer, it has failed.</summary>
    internal sealed class Attempt(NodeBreaker breaker, long startedAt, bool isProbe) : IDisposable
    {
        private bool _isOver;

        public void Answered()
        {
            _isOver = true;
            breaker.Answered();
        }

        /// <summary>It failed for another reason than that the node does not answer, or did not come as far as there.</summary>
        public void Withdraw() => Fail(mayBeSilence: false);

        public void Dispose() => Fail(mayBeSilence: true);

        private void Fail(bool mayBeSilence)
        {
            if (!_isOver)
                breaker.Failed(startedAt, isProbe, mayBeSilence);
            _isOver = true;
        }
    }
}
