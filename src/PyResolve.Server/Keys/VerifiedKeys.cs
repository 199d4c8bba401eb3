using System.Collections.Concurrent;
using PyResolve.Server.Access;

namespace PyResolve.Server.Keys;

/// <summary>A key that was found good, and everything that a request needs to know of it.</summary>
/// <param name="owner">Whose key it is.</param>
/// <param name="verifiedAt">The timestamp at which the store was asked.</param>
internal sealed class VerifiedKey(Caller owner, long verifiedAt)
{
    private long _markedAt;

    public long VerifiedAt => verifiedAt;

    public Caller Owner => owner;

    /// <summary>Whether its last mark is a second old, or of another time altogether. Two at once may both be told so: marks may repeat.</summary>
    public bool TryMark(DateTimeOffset now)
    {
        var elapsed = now.UtcTicks - Volatile.Read(ref _markedAt);
        if (elapsed is >= 0 and < TimeSpan.TicksPerSecond)
            return false;
        Volatile.Write(ref _markedAt, now.UtcTicks);
        return true;
    }
}

/// <summary>
/// Remembers verified keys in bounded memory: two generations, of which the older is dropped when the younger is full, and what is used
/// moves to the younger one. Nothing is answered from here unless the store confirmed within the last second that nothing has changed
/// (<see cref="KeyEpochPoller"/>), and nothing that was read before a change is stored after it. Thread-safe.
/// </summary>
/// <param name="capacity">The most keys to remember.</param>
/// <param name="time">The clock by which a confirmation grows old: the machine's own in production, since it is about real seconds.</param>
internal sealed class VerifiedKeys(int capacity, TimeProvider time)
{
    /// <summary>Within this long of a change, on every instance, the changed key is used no longer.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    /// <summary>After this long a key is looked up again, whatever the epoch says: a restored database may have told it anew.</summary>
    private static readonly TimeSpan LongestMemory = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly long _bound = InTicksOf(time, MaxAge);
    private readonly long _longestMemory = InTicksOf(time, LongestMemory);
    private readonly int _half = Math.Max(1, capacity / 2);

    private volatile Generation _young = new();
    private volatile Generation _old = new();
    private long _epoch = -1;
    private long _confirmedAt;
    private long _changes;
    private volatile bool _isConfirmed;

    /// <summary>How many keys are remembered.</summary>
    public int Count => _young.Count + _old.Count;

    /// <summary>The last epoch that the store confirmed; below 0 before the first.</summary>
    public long Epoch => Interlocked.Read(ref _epoch);

    /// <summary>What a reader takes before it asks the store, and gives back with what it read.</summary>
    public long Stamp => Interlocked.Read(ref _changes);

    public VerifiedKey? Find(in KeyDigest digest)
    {
        // One look at the clock, compared in its own ticks: this is on the path of every request.
        var now = time.GetTimestamp();
        if (!_isConfirmed || now - Interlocked.Read(ref _confirmedAt) >= _bound)
            return null;
        if (!_young.TryGetValue(digest, out var key) && _old.TryGetValue(digest, out key))
            Promote(digest, key);
        return key is not null && now - key.VerifiedAt < _longestMemory ? key : null;
    }

    /// <summary>How many keys may be remembered ahead of their use without another being forgotten for them.</summary>
    public int Room => _half - _young.Count;

    /// <summary>Remembers a key that was read after <paramref name="stamp"/> was taken; not if anything changed since.</summary>
    /// <returns>Whether it is remembered.</returns>
    public bool Remember(in KeyDigest digest, VerifiedKey key, long stamp)
    {
        lock (_gate)
        {
            if (stamp != _changes)
                return false;
            Store(digest, key);
            return true;
        }
    }

    /// <summary>Forgets every key of an account.</summary>
    public void Forget(Guid userId)
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _changes);
            _young.Remove(userId);
            _old.Remove(userId);
        }
    }

    public void ForgetAll()
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _changes);
            _young = new Generation();
            _old = new Generation();
        }
    }

    /// <summary>
    /// Takes what the store said: the epoch now, and the accounts that changed since <see cref="Epoch"/>.
    /// </summary>
    /// <param name="epoch">The store's epoch.</param>
    /// <param name="changed">The accounts that changed; <see langword="null"/>: everything may have.</param>
    /// <param name="askedAt">The timestamp at which the question left: the answer may be as old as that.</param>
    public void Confirm(long epoch, IReadOnlyCollection<Guid>? changed, long askedAt)
    {
        lock (_gate)
        {
            if (changed is null)
                ForgetAll();
            else
                foreach (var userId in changed)
                    Forget(userId);
            Interlocked.Exchange(ref _epoch, epoch);
            Interlocked.Exchange(ref _confirmedAt, askedAt);
            _isConfirmed = true;
        }
    }

    private static long InTicksOf(TimeProvider time, TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private void Promote(in KeyDigest digest, VerifiedKey key)
    {
        lock (_gate)
        {
            // It may have been forgotten since it was found.
            if (_old.TryGetValue(digest, out var still) && ReferenceEquals(still, key))
                Store(digest, key);
        }
    }

    private void Store(in KeyDigest digest, VerifiedKey key)
    {
        if (_young.Count >= _half)
        {
            _old = _young;
            _young = new Generation();
        }

        _young.Add(digest, key);
    }

    /// <summary>Read without a lock, changed under the owner's.</summary>
    private sealed class Generation
    {
        private readonly ConcurrentDictionary<KeyDigest, VerifiedKey> _keys = new();
        private readonly Dictionary<Guid, List<KeyDigest>> _byUser = [];
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public bool TryGetValue(in KeyDigest digest, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out VerifiedKey? key) =>
            _keys.TryGetValue(digest, out key);

        public void Add(in KeyDigest digest, VerifiedKey key)
        {
            if (!_keys.TryAdd(digest, key))
            {
                _keys[digest] = key;
                return;
            }

            _count++;
            if (_byUser.TryGetValue(key.Owner.UserId, out var digests))
                digests.Add(digest);
            else
                _byUser[key.Owner.UserId] = [digest];
        }

        public void Remove(Guid userId)
        {
            if (!_byUser.Remove(userId, out var digests))
                return;
            foreach (var digest in digests)
            {
                if (_keys.TryRemove(digest, out _))
                    _count--;
            }
        }
    }
}
