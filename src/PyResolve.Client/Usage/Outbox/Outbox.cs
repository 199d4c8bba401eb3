using Microsoft.Extensions.Logging;

namespace PyResolve.Client;

/// <summary>The oldest waiting events of a segment, and the offset of their end.</summary>
internal sealed record OutboxBatch(Segment Segment, IReadOnlyList<StoredEvent> Events, long End);

internal sealed record OutboxLimits(int Events, long Bytes);

/// <summary>The events that this process has to send: its own file, and files of ended processes. Thread-safe; one reader.</summary>
internal sealed partial class Outbox(
    OutboxFolder folder, OutboxAccount account, OutboxLimits limits, RejectedEvents rejected, TimeProvider time, ILogger logger)
{
    /// <summary>Of an outcome: at most 16 KiB, and only the first of a permit has it.</summary>
    private const int LargestMetadata = 16 * 1024;

    /// <summary>Without metadata; a library's name has up to 128 characters.</summary>
    private const int LargestOutcome = 2048;

    private readonly Gate _gate = new();
    private readonly List<Segment> _segments = [];
    private readonly HashSet<string> _unreadable = [];
    private bool _released;
    private bool? _hasLocks;

    public long Count
    {
        get
        {
            lock (_gate)
                return field;
        }

        private set;
    }

    /// <summary>Why events cannot be read; <see langword="null"/> when they can. <see cref="Adopt"/> tries again.</summary>
    public PyResolveException? Broken
    {
        get
        {
            lock (_gate)
                return field;
        }

        private set;
    }

    /// <summary>What the user should know about the folder; <see langword="null"/> when it is as it should be.</summary>
    public string? Warning
    {
        get
        {
            lock (_gate)
                return field;
        }

        private set;
    }

    /// <summary>Whether no event of any process or key of the account waits. Ignores files that <see cref="Adopt"/> cannot read.</summary>
    public bool IsDrained
    {
        get
        {
            var waiting = AllSegments().Where(static path => !Segment.IsSettled(path)).ToList();
            lock (_gate)
                return waiting.TrueForAll(_unreadable.Contains);
        }
    }

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
                    // Sending will report the same failure.
                    return null;
                }
            }
        }
    }

    /// <summary>Appends an event to the file, so that it survives the end of this process. Outcomes have as much room again as all
    /// events.</summary>
    public ReportResult? Add(byte[] json, bool isOutcome)
    {
        lock (_gate)
            return Refuse(1, json.Length, isOutcome) ?? Append(json, time.GetUtcNow());
    }

    /// <summary>Tries out whether the outcomes of migrations could be kept now: whether the limits and the disk have room.</summary>
    public ReportResult? Probe(int outcomes)
    {
        var bytes = LargestMetadata + (outcomes * LargestOutcome);
        lock (_gate)
            return Refuse(outcomes, bytes, isOutcome: true) ?? Write(segment => segment.Probe(bytes));
    }

    /// <summary>Appends an event that was accepted before, regardless of the limits.</summary>
    public bool Restore(StoredEvent stored)
    {
        lock (_gate)
            return !_released && Append(stored.Json, stored.ReportedAt) is null;
    }

    public OutboxBatch? Next(int maxEvents)
    {
        lock (_gate)
        {
            while (!_released && _segments.Find(static segment => segment.Count > 0) is { } segment)
            {
                try
                {
                    var (events, end) = segment.Read(maxEvents);
                    return new(segment, events, end);
                }
                catch (IOException exception)
                {
                    // The disk is broken. The file stays, in case it can be read later.
                    SetBroken(folder.Path, Redaction.Line(exception.Message));
                    Abandon(segment);
                }
            }

            return null;
        }
    }

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

    /// <summary>Makes the events safe from a power cut, in all files for which that works.</summary>
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

    /// <summary>Unlocks the files. The next client, in this process or another, adopts the remaining events.</summary>
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

    private ReportResult? Refuse(int events, int bytes, bool isOutcome)
    {
        if (_released)
            return ReportResult.Refused(ReportRefusal.Disposed, "The reporter is disposed of. Report before disposing of the client.");
        if (events == 1 && bytes > SegmentRecord.MaxBodyLength)
            return ReportResult.Refused(ReportRefusal.TooLarge, "The event has over 1 MiB of metadata. The server accepts 16 KiB.");
        var rooms = isOutcome ? 2L : 1L;
        if (Count + events > limits.Events * rooms)
            return Full("Flush and report again, or raise OutboxCapacity.");
        if (_segments.Sum(static segment => segment.Bytes) + Math.Min(bytes, limits.Bytes) > limits.Bytes * rooms)
            return Full("They fill OutboxBytes. Flush and report again, or raise it.");
        return null;
    }

    private ReportResult? Append(byte[] json, DateTimeOffset reportedAt)
    {
        if (Write(segment => segment.Append(json, reportedAt)) is { } refusal)
            return refusal;
        Count++;
        return null;
    }

    private ReportResult? Write(Action<Segment> write)
    {
        try
        {
            if (_segments.Count == 0 || _segments[_segments.Count - 1].IsFull)
                AddSegment();
            write(_segments[_segments.Count - 1]);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ReportResult.Refused(
                ReportRefusal.NotWritable,
                $"{folder.Path} cannot be written ({Redaction.Line(exception.Message)}). "
                + "Make room, make it writable for you, or set PYRESOLVE_HOME to another folder.");
        }
    }

    private void AddSegment()
    {
        var segment = folder.CreateSegment(time);
        _segments.Add(segment);
        HasLocks(segment.Path);
    }

    private ReportResult Full(string hint) =>
        ReportResult.Refused(ReportRefusal.Full, $"{Count} events already wait for the server. {hint}");

    private void SetBroken(string path, string? reason) => Broken = new(
        PyResolveErrorCodes.Damaged,
        $"Usage events in {path} cannot be read, and are kept there ({reason}).",
        "Check the disk, and flush again.");

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

        [LoggerMessage(9, LogLevel.Warning, "{Warning}")]
        public static partial void MissingLocks(ILogger logger, string warning);
    }
}
