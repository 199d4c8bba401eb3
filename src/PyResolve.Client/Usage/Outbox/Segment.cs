namespace PyResolve.Client;

/// <summary>An event as the outbox keeps it.</summary>
/// <param name="Json">The body of <c>POST /usage</c>, the same at every try.</param>
/// <param name="ReportedAt">When it was reported, by this machine's clock.</param>
internal sealed record StoredEvent(byte[] Json, DateTimeOffset ReportedAt);

/// <summary>
/// One process's part of the outbox: an append-only file that it holds locked while it lives. What another process left behind can be taken
/// over once its lock is gone. Not thread-safe.
/// </summary>
internal sealed class Segment : IDisposable
{
    public const string Extension = ".events";
    private const int FullAt = 4 * 1024 * 1024;
    private const int ReadAtOnce = 256 * 1024;
    private const int LongestGap = SegmentRecord.Overhead + SegmentRecord.LongestBody;
    private static readonly byte[] Magic = [.. "PYRSEG01"u8];

    private readonly FileStream _stream;
    private readonly string _path;
    private readonly List<(int Start, int End)> _gaps = [];
    private long _settledTo = Magic.Length;
    private long _end = Magic.Length;
    private bool _isInDoubt;
    private bool _isListed;

    private Segment(FileStream stream, string path)
    {
        _stream = stream;
        _path = path;
    }

    /// <summary>Events that are not settled.</summary>
    public int Count { get; private set; }

    /// <summary>Their size.</summary>
    public long Bytes => Count == 0 ? 0 : _end - _settledTo;

    /// <summary>All of it as it was found, where something in it is damaged. What is whole before and behind that is read all the same.</summary>
    public byte[]? Damaged { get; private set; }

    public bool IsFull => _end >= FullAt;

    public static Segment Create(string folder, TimeProvider time)
    {
        var id = Uuid.NewVersion7(time).ToString("N");
        var unborn = Path.Combine(folder, id + ".tmp");
        var stream = PrivateFile.Create(unborn);
        try
        {
            stream.Write(Magic, 0, Magic.Length);
            stream.Flush();
            var path = Path.Combine(folder, id + Extension);
            File.Move(unborn, path);
            return new(stream, path);
        }
        catch
        {
            stream.Dispose();
            File.Delete(unborn);
            throw;
        }
    }

    /// <summary>Takes over what a process left behind; <see langword="null"/> while it lives, or where another was quicker, or where nobody here will ever read it as events, and why.</summary>
    public static Segment? Adopt(string path, TimeProvider time, out string? unreadable)
    {
        unreadable = null;
        FileStream? stream = null;
        try
        {
            stream = new(path, FileMode.Open, FileAccess.ReadWrite, PrivateFile.Exclusive, bufferSize: 1);
            // Whoever had it before may have deleted it between our opening and our locking it: then it cannot be given its new name.
            var adopted = Path.Combine(Path.GetDirectoryName(path)!, Uuid.NewVersion7(time).ToString("N") + Extension);
            // The disk may have refused it to whoever had it before.
            var segment = new Segment(stream, adopted) { _isInDoubt = true };
            if (!segment.Load())
            {
                unreadable = "it does not begin as this version's files do";
                return null;
            }

            File.Move(path, adopted);
            stream = null;
            return segment;
        }
        catch (UnauthorizedAccessException exception)
        {
            unreadable = Redaction.Line(exception.Message);
            return null;
        }
        catch (IOException)
        {
            return null;
        }
        finally
        {
            stream?.Dispose();
        }
    }

    /// <summary>Whether nothing in it waits. Its holder shortens it to its head once that is so.</summary>
    public static bool IsSettled(string path)
    {
        var file = new FileInfo(path);
        return !file.Exists || file.Length <= Magic.Length;
    }

    /// <summary>When the oldest unsettled event was reported; <see langword="null"/> without any.</summary>
    public DateTimeOffset? Oldest => Count == 0 ? null : Read(most: 1).Events[0].ReportedAt;

    public void Append(byte[] json, DateTimeOffset reportedAt)
    {
        Write(SegmentRecord.Write(RecordKind.Event, reportedAt.ToUnixTimeMilliseconds(), json));
        Count++;
    }

    /// <summary>The oldest unsettled events, at least one and about 256 KiB at most, and where they end.</summary>
    /// <exception cref="IOException">The disk no longer gives back what was written to it.</exception>
    public (IReadOnlyList<StoredEvent> Events, long End) Read(int most)
    {
        var found = Read(most, ReadAtOnce);
        if (found.Events.Count == 0)
            found = Read(most, int.MaxValue);
        return found.Events.Count > 0 ? found : throw new IOException($"{_path} is damaged.");
    }

    /// <summary>Remembers that the first so many events need not be sent again. A disk that refuses costs a second sending, which the server answers alike.</summary>
    public void Settle(long end, int count)
    {
        _settledTo = end;
        Count -= count;
        try
        {
            if (Count == 0)
            {
                _settledTo = _end = Magic.Length;
                _stream.SetLength(_end);
            }
            else
            {
                Write(SegmentRecord.Write(RecordKind.Settled, end, []));
            }
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Goes on without what is damaged, which has been kept elsewhere. Nothing moves: what is settled is told by offsets.</summary>
    public void RemoveDamage()
    {
        foreach (var (start, end) in _gaps)
        {
            _stream.Position = start;
            for (var left = end - start; left > 0;)
            {
                // The rest has to be long enough for a record too.
                var length = left <= LongestGap ? left : LongestGap - SegmentRecord.Overhead;
                var record = SegmentRecord.Write(RecordKind.Damaged, 0, new byte[length - SegmentRecord.Overhead]);
                _stream.Write(record, 0, record.Length);
                left -= length;
            }
        }

        _stream.SetLength(_end);
        _stream.Flush();
        _gaps.Clear();
        Damaged = null;
    }

    /// <summary>
    /// Makes what was appended safe from a power cut. Once the disk has refused, the system may call the next try a success without what it could
    /// not write: then all of it is written again before.
    /// </summary>
    /// <exception cref="IOException">It is not safe.</exception>
    public void Sync()
    {
        if (_isInDoubt)
            WriteAgain();
        _isInDoubt = true;
        Durable.Flush(_stream);
        // Its name in the folder cannot be written again: see Durable.
        if (!_isListed)
            Durable.FlushFolder(Path.GetDirectoryName(_path)!);
        (_isInDoubt, _isListed) = (false, true);
    }

    /// <summary>Removes the file, of which nothing is needed any more. Where that fails, it is empty, and its next holder removes it.</summary>
    public void Delete()
    {
        try
        {
            File.Delete(_path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }

        _stream.Dispose();
    }

    /// <summary>Lets go of the file: what is unsettled waits for whoever takes it over.</summary>
    public void Dispose() => _stream.Dispose();

    /// <summary>Reads what is there but for records that are not whole: the last one's report never returned, or they were damaged since.</summary>
    /// <returns>Whether it is a segment of this version's.</returns>
    private bool Load()
    {
        var length = checked((int)_stream.Length);
        var bytes = ReadBytes(0, length);
        if (length >= Magic.Length && !bytes.AsSpan(0, Magic.Length).SequenceEqual(Magic))
            return false;
        if (length < Magic.Length)
        {
            _end = 0;
            Write(Magic);
            return true;
        }

        var starts = new List<int>();
        var position = Magic.Length;
        while (SegmentRecord.Next(bytes, position, length) is { } record)
        {
            if (record.Start > position)
                _gaps.Add((position, record.Start));
            if (record.Kind == RecordKind.Event)
                starts.Add(record.Start);
            else if (record.Kind == RecordKind.Settled)
                _settledTo = record.Number;
            position = record.End;
        }

        _end = position;
        if (_gaps.Count > 0 || !SegmentRecord.IsTorn(bytes, position, length))
            Damaged = bytes;
        else
            _stream.SetLength(_end);
        Count = starts.Count(start => start >= _settledTo);
        return true;
    }

    private (IReadOnlyList<StoredEvent> Events, long End) Read(int most, int window)
    {
        var length = (int)Math.Min(_end - _settledTo, window);
        var bytes = ReadBytes(_settledTo, length);
        var events = new List<StoredEvent>();
        var position = 0;
        while (events.Count < most && SegmentRecord.Read(bytes, position, length) is { } record)
        {
            if (record.Kind == RecordKind.Event)
            {
                var json = bytes.AsSpan(record.BodyStart, record.End - record.BodyStart).ToArray();
                events.Add(new(json, DateTimeOffset.FromUnixTimeMilliseconds(record.Number)));
            }

            position = record.End;
        }

        return (events, _settledTo + position);
    }

    /// <summary>The same bytes at the same places, so that it is whole at every instant.</summary>
    private void WriteAgain()
    {
        var bytes = ReadBytes(0, (int)_end);
        if (!bytes.AsSpan(0, Magic.Length).SequenceEqual(Magic))
            throw new IOException($"{_path} is damaged.");
        for (var position = Magic.Length; position < bytes.Length;)
            position = SegmentRecord.Read(bytes, position, bytes.Length)?.End ?? throw new IOException($"{_path} is damaged.");
        _stream.Position = 0;
        _stream.Write(bytes, 0, bytes.Length);
    }

    private void Write(byte[] record)
    {
        try
        {
            _stream.Position = _end;
            _stream.Write(record, 0, record.Length);
            _stream.Flush();
        }
        catch (IOException)
        {
            // The next write begins at the same place, and may be shorter.
            _stream.SetLength(_end);
            throw;
        }

        _end += record.Length;
    }

    private byte[] ReadBytes(long start, int length)
    {
        var bytes = new byte[length];
        _stream.Position = start;
        for (var read = 0; read < length;)
        {
            var more = _stream.Read(bytes, read, length - read);
            if (more == 0)
                throw new IOException("The file is shorter than what was written to it.");
            read += more;
        }

        return bytes;
    }
}
