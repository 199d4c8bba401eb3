using System.Collections.Concurrent;
using PyResolve.Server.Access;

namespace PyResolve.Server.Keys;

/// <param name="verifiedAt">A timestamp of the time provider, taken before the store was queried.</param>
internal sealed class VerifiedKey(Caller owner, long verifiedAt)
{
    private long _lastUseRecordedAt;

    public long VerifiedAt => verifiedAt;

    public Caller Owner => owner;

    /// <summary>
    /// Records a use. Returns true about once a second, and if the clock was set back. Two concurrent requests may both get true.
    /// </summary>
    public bool TryRecordUse(DateTimeOffset now)
    {
        var elapsed = now.UtcTicks - Volatile.Read(ref _lastUseRecordedAt);
        if (elapsed is >= 0 and < TimeSpan.TicksPerSecond)
            return false;
        Volatile.Write(ref _lastUseRecordedAt, now.UtcTicks);
        return true;
    }
}

/// <summary>
/// Keeps verified keys in bounded memory: two generations, of which the older is dropped when the younger is full; a key that is used is
/// copied to the younger one. A key is found only if the store confirmed within the last second that nothing has changed
/// (<see cref="KeyEpochPoller"/>), and a key that was read before a change is never added after it. Thread-safe.
/// </summary>
internal sealed class VerifiedKeyCache(int capacity, TimeProvider time)
{
    /// <summary>The maximum age of a confirmation: a changed key is used no longer than this, on any instance.</summary>
    public static readonly TimeSpan MaxConfirmationAge = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The age from which on a key is read again even if the epoch is unchanged: a restored database may repeat an epoch.
    /// </summary>
    private static readonly TimeSpan MaxKeyAge = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly long _maxAge = ToTimestampTicks(time, MaxConfirmationAge);
    private readonly long _maxKeyAge = ToTimestampTicks(time, MaxKeyAge);
    private readonly int _generationCapacity = Math.Max(1, capacity / 2);

    private volatile Generation _young = new();
    private volatile Generation _old = new();
    private long _epoch = -1;
    private long _confirmedAt;
    private long _changes;
    private volatile bool _isConfirmed;

    /// <summary>The number of keys. One that was copied to the younger generation counts twice.</summary>
    public int Count => _young.Count + _old.Count;

    /// <summary>The last epoch that the store confirmed; below 0 before the first.</summary>
    public long Epoch => Interlocked.Read(ref _epoch);

    /// <summary>The number of changes so far. A reader takes it before it asks the store, and passes it to <see cref="TryAdd"/>.</summary>
    public long ChangeCount => Interlocked.Read(ref _changes);

    public VerifiedKey? Find(in KeyDigest digest)
    {
        // Every request comes through here: the clock is read once, and raw timestamps are compared.
        var now = time.GetTimestamp();
        if (!_isConfirmed || now - Interlocked.Read(ref _confirmedAt) >= _maxAge)
            return null;
        if (!_young.TryGetValue(digest, out var key) && _old.TryGetValue(digest, out key))
            Promote(digest, key);
        return key is not null && now - key.VerifiedAt < _maxKeyAge ? key : null;
    }

    /// <summary>How many keys can be added without dropping others.</summary>
    public int RemainingCapacity => _generationCapacity - _young.Count;

    /// <returns>False if anything changed since the read.</returns>
    public bool TryAdd(in KeyDigest digest, VerifiedKey key, long changeCount)
    {
        lock (_gate)
        {
            if (changeCount != _changes)
                return false;
            Store(digest, key);
            return true;
        }
    }

    public void Remove(Guid userId)
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _changes);
            _young.Remove(userId);
            _old.Remove(userId);
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _changes);
            _young = new Generation();
            _old = new Generation();
        }
    }

    /// <param name="changed">The accounts that changed since <see cref="Epoch"/>; null if unknown: all keys are removed.</param>
    /// <param name="askedAt">When the store was asked, as a timestamp: its answer may be as old as that.</param>
    public void Confirm(long epoch, IReadOnlyCollection<Guid>? changed, long askedAt)
    {
        lock (_gate)
        {
            if (changed is null)
                Clear();
            else
                foreach (var userId in changed)
                    Remove(userId);
            Interlocked.Exchange(ref _epoch, epoch);
            Interlocked.Exchange(ref _confirmedAt, askedAt);
            _isConfirmed = true;
        }
    }

    private static long ToTimestampTicks(TimeProvider time, TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private void Promote(in KeyDigest digest, VerifiedKey key)
    {
        lock (_gate)
        {
            // It may have been removed since it was found.
            if (_old.TryGetValue(digest, out var current) && ReferenceEquals(current, key))
                Store(digest, key);
        }
    }

    private void Store(in KeyDigest digest, VerifiedKey key)
    {
        if (_young.Count >= _generationCapacity)
        {
            _old = _young;
            _young = new Generation();
        }

        _young.Add(digest, key);
    }

    /// <summary>A bounded set of keys. Read without a lock, changed under the lock of <see cref="VerifiedKeyCache"/>.</summary>
    private sealed class Generation
    {
        private readonly ConcurrentDictionary<KeyDigest, VerifiedKey> _keys = new();
        private readonly Dictionary<Guid, List<KeyDigest>> _byUser = [];
        private int _count;

        /// <summary>The number of keys. One that was copied to the younger generation counts twice.</summary>
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
