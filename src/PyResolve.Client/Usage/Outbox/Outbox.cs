using Microsoft.Extensions.Logging;

namespace PyResolve.Client;

/// <summary>Some of the events that wait, oldest first.</summary>
internal sealed record OutboxBatch(Segment Segment, IReadOnlyList<StoredEvent> Events, long End);

/// <summary>How much may wait.</summary>
internal sealed record OutboxLimits(int Events, long Bytes);

/// <summary>
/// The events that this process has to send, in files: its own, which it appends to, and those that it took over from processes that died.
/// Thread-safe; one reader.
/// </summary>
internal sealed partial class Outbox(OutboxFolder folder, OutboxAccount account, OutboxLimits limits, RejectedEvents rejected, TimeProvider time, ILogger logger)
{
    private readonly Gate _gate = new();
    private readonly List<Segment> _segments = [];
    private readonly HashSet<string> _unreadable = [];
    private bool _released;

    /// <summary>Events that wait.</summary>
    public long Count
    {
        get
        {
            lock (_gate)
                return field;
        }

        private set;
    }

    /// <summary>Why events that wait cannot be read at the moment; <see langword="null"/> where they can. <see cref="Adopt"/> tries them again.</summary>
    public PyResolveException? Broken
    {
        get
        {
            lock (_gate)
                return field;
        }

        private set;
    }

    /// <summary>
    /// Whether no process, this one or another, has anything that waits for the server, under this key or another of its account. What
    /// <see cref="Adopt"/> has found to be nobody's events does not wait.
    /// </summary>
    public bool IsDrained
    {
        get
        {
            var waiting = folder.Segments().Concat(account.OtherSegments()).Where(static path => !Segment.IsSettled(path)).ToList();
            lock (_gate)
                return waiting.TrueForAll(_unreadable.Contains);
        }
    }

    /// <summary>For how long the oldest of them has waited; zero when none waits.</summary>
    public TimeSpan OldestAge => Oldest is { } oldest && time.GetUtcNow() - oldest is { Ticks: > 0 } age ? age : TimeSpan.Zero;

    private DateTimeOffset? Oldest
    {
        get
        {
            lock (_gate)
            {
                try
                {
                    return _released ? null : _segments.Find(static segment => segment.Count > 0)?.Oldest;
                }
                catch (IOException)
                {
                    // Its disk is broken, which sending finds out too.
                    return null;
                }
            }
        }
    }

    /// <summary>Stores an event, which then survives this process.</summary>
    /// <returns>Why it was not stored; <see langword="null"/> when it was.</returns>
    public ReportResult? Add(byte[] json)
    {
        lock (_gate)
        {
            if (_released)
                return ReportResult.Refused(ReportRefusal.Disposed, "The reporter is disposed of. Report before disposing of the client.");
            if (json.Length > SegmentRecord.LongestBody)
                return ReportResult.Refused(ReportRefusal.TooLarge, "The event has over 1 MiB of metadata. The server takes 16 KiB.");
            if (Count >= limits.Events)
                return ReportResult.Refused(ReportRefusal.Full, $"{Count} events already wait for the server. Flush and report again, or raise OutboxCapacity.");
            if (_segments.Sum(static segment => segment.Bytes) + json.Length > limits.Bytes)
                return ReportResult.Refused(ReportRefusal.Full, $"{Count} events already wait for the server, and fill OutboxBytes. Flush and report again, or raise it.");
            return Append(json, time.GetUtcNow());
        }
    }

    /// <summary>Puts an event at the end that has already been taken over, whatever the limits.</summary>
    public bool Restore(StoredEvent stored)
    {
        lock (_gate)
            return !_released && Append(stored.Json, stored.ReportedAt) is null;
    }

    /// <summary>Takes over what processes that died have left behind, with this key or another one of the same account.</summary>
    /// <returns>How many events that is.</returns>
    public int Adopt()
    {
        lock (_gate)
        {
            if (_released)
                return 0;
            Broken = null;
            var adopted = new List<Segment>();
            var strange = new List<(string Path, string Reason)>();
            foreach (var path in folder.Segments().Concat(account.OtherSegments()))
            {
                if (Segment.Adopt(path, time, out var unreadable) is not { } segment)
                {
                    if (unreadable is not null && _unreadable.Add(path))
                        strange.Add((path, unreadable));
                    continue;
                }

                if (!TryMend(segment, path))
                {
                    segment.Dispose();
                    continue;
                }

                if (segment.Count == 0)
                    segment.Delete();
                else
                    adopted.Add(segment);
            }

            _segments.InsertRange(0, adopted.OrderBy(static segment => segment.Oldest));
            var count = adopted.Sum(static segment => segment.Count);
            Count += count;
            strange.ForEach(file => Log.Unreadable(logger, file.Path, file.Reason));
            return count;
        }
    }

    /// <summary>The oldest events that wait; <see langword="null"/> when none does.</summary>
    public OutboxBatch? Next(int most)
    {
        lock (_gate)
        {
            while (!_released && _segments.Find(static segment => segment.Count > 0) is { } segment)
            {
                try
                {
                    var (events, end) = segment.Read(most);
                    return new(segment, events, end);
                }
                catch (IOException exception)
                {
                    // Its disk is broken. The file stays, for whoever can read it again.
                    SetBroken(folder.Path, Redaction.Line(exception.Message));
                    Abandon(segment);
                }
            }

            return null;
        }
    }

    /// <summary>Forgets a batch: the server has its events, or they are kept as rejected.</summary>
    public void Settle(OutboxBatch batch)
    {
        lock (_gate)
        {
            if (_released)
                return;
            batch.Segment.Settle(batch.End, batch.Events.Count);
            Count -= batch.Events.Count;
            if (batch.Segment.Count > 0 || batch.Segment == _segments[_segments.Count - 1])
                return;
            _segments.Remove(batch.Segment);
            batch.Segment.Delete();
        }
    }

    /// <summary>Makes what waits safe from a power cut. Where a file cannot be, the others are.</summary>
    /// <exception cref="IOException">One cannot be.</exception>
    public void Sync()
    {
        lock (_gate)
        {
            if (_released)
                return;
            IOException? failure = null;
            foreach (var segment in _segments)
            {
                try
                {
                    segment.Sync();
                }
                catch (IOException exception)
                {
                    failure ??= exception;
                }
            }

            if (failure is not null)
                throw failure;
        }
    }

    /// <summary>Lets go of the files. What waits is taken over by the next process, or the next client in this one.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (_released)
                return;
            _released = true;
            foreach (var segment in _segments)
            {
                if (segment.Count == 0)
                    segment.Delete();
                else
                    segment.Dispose();
            }

            _segments.Clear();
        }
    }

    private ReportResult? Append(byte[] json, DateTimeOffset reportedAt)
    {
        try
        {
            if (_segments.Count == 0 || _segments[_segments.Count - 1].IsFull)
                _segments.Add(folder.CreateSegment(time));
            _segments[_segments.Count - 1].Append(json, reportedAt);
            Count++;
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ReportResult.Refused(
                ReportRefusal.NotWritable,
                $"{folder.Path} cannot be written ({Redaction.Line(exception.Message)}). Make room or make it yours to write, or set PYRESOLVE_HOME to another folder.");
        }
    }

    /// <summary>Keeps a damaged file as it is beside the outbox, and goes on with what is whole in it.</summary>
    private bool TryMend(Segment segment, string path)
    {
        if (segment.Damaged is not { } content)
            return true;
        if (!rejected.KeepDamaged(path, content))
        {
            SetBroken(path, "it is damaged, and cannot be copied to the folder 'rejected'");
            return false;
        }

        try
        {
            segment.RemoveDamage();
            return true;
        }
        catch (IOException exception)
        {
            SetBroken(path, Redaction.Line(exception.Message));
            return false;
        }
    }

    private void SetBroken(string path, string? reason) => Broken = new(
        PyResolveErrorCodes.Damaged, $"Usage events in {path} cannot be read, and are kept there ({reason}). Check the disk, and flush again.");

    private void Abandon(Segment segment)
    {
        Count -= segment.Count;
        _segments.Remove(segment);
        segment.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(4, LogLevel.Warning, "{Path} is in the outbox and cannot be read as usage events, and is left alone: {Reason}")]
        public static partial void Unreadable(ILogger logger, string path, string reason);
    }
}
