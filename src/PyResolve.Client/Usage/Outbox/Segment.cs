namespace PyResolve.Client;

/// <summary>One process's outbox file: append-only, locked while the process runs, then adopted by another. Not thread-safe.</summary>
internal sealed class Segment : IDisposable
{
    public const string Extension = ".events";
    private const int FullAbove = 4 * 1024 * 1024;
    private const int ReadAtOnce = 256 * 1024;
    private const int MaxFillerLength = SegmentRecord.Overhead + SegmentRecord.MaxBodyLength;
    private static readonly byte[] Magic = [.. "PYRSEG01"u8];

    private readonly FileStream _stream;
    private readonly string _path;
    private readonly List<(int Start, int End)> _gaps = [];
    private long _settledTo = Magic.Length;
    private long _end = Magic.Length;
    private bool _isUnsafe;
    private bool _isFolderSynced;

    private Segment(FileStream stream, string path)
    {
        _stream = stream;
        _path = path;
    }

    public string Path => _path;

    public int Count { get; private set; }

    public long Bytes => Count == 0 ? 0 : _end - _settledTo;

    /// <summary>The original content of a file with damaged records. The intact records are still read.</summary>
    public byte[]? Damaged { get; private set; }

    public bool IsFull => _end >= FullAbove;

    public static Segment Create(string folder, TimeProvider time)
    {
        var id = Uuid.NewVersion7(time).ToString("N");
        var unfinished = System.IO.Path.Combine(folder, id + ".tmp");
        var stream = PrivateFile.Create(unfinished);
        try
        {
            stream.Write(Magic, 0, Magic.Length);
            stream.Flush();
            var path = System.IO.Path.Combine(folder, id + Extension);
            File.Move(unfinished, path);
            return new(stream, path);
        }
        catch
        {
            stream.Dispose();
            File.Delete(unfinished);
            throw;
        }
    }

    /// <summary>Adopts the file of an ended process; <see langword="null"/> if it is still locked, another process was faster, or this
    /// version cannot read it (<paramref name="unreadable"/> says why).</summary>
    public static Segment? Adopt(string path, TimeProvider time, out string? unreadable)
    {
        unreadable = null;
        FileStream? stream = null;
        try
        {
            stream = new(path, FileMode.Open, FileAccess.ReadWrite, PrivateFile.Exclusive, bufferSize: 1);
            // The renaming below fails if the previous owner deleted the file between our opening and locking it.
            var adopted = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path)!, Uuid.NewVersion7(time).ToString("N") + Extension);
            // The previous owner may have failed to sync it.
            var segment = new Segment(stream, adopted) { _isUnsafe = true };
            if (!segment.Load())
            {
                unreadable = "it does not start like the files of this version";
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

    /// <summary>Whether no event waits in it: its owner then truncates it to the header.</summary>
    public static bool IsSettled(string path)
    {
        var file = new FileInfo(path);
        return !file.Exists || file.Length <= Magic.Length;
    }

    public DateTimeOffset? Oldest => Count == 0 ? null : Read(maxEvents: 1).Events[0].ReportedAt;

    public void Append(byte[] json, DateTimeOffset reportedAt)
    {
        Write(SegmentRecord.Write(RecordKind.Event, reportedAt.ToUnixTimeMilliseconds(), json));
        Count++;
    }

    /// <summary>Writes zeros at the end, and cuts them off again. A crash in between looks like an interrupted write.</summary>
    /// <exception cref="IOException">There is no room, or the disk fails.</exception>
    public void Probe(int bytes)
    {
        try
        {
            _stream.Position = _end;
            _stream.Write(new byte[bytes], 0, bytes);
            _stream.Flush();
        }
        finally
        {
            _stream.SetLength(_end);
        }
    }

    /// <summary>The oldest unsettled events, at least one and about 256 KiB at most, and the offset of their end.</summary>
    public (IReadOnlyList<StoredEvent> Events, long End) Read(int maxEvents)
    {
        var found = Read(maxEvents, ReadAtOnce);
        if (found.Events.Count == 0)
            found = Read(maxEvents, int.MaxValue);
        return found.Events.Count > 0 ? found : throw new IOException($"{_path} is damaged.");
    }

    /// <summary>Marks the first events as done. If that fails they may be sent again, which the server recognizes.</summary>
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

    /// <summary>Replaces damaged bytes by filler records. Nothing moves, because marks of settled events are offsets.</summary>
    public void RemoveDamage()
    {
        foreach (var (start, end) in _gaps)
        {
            _stream.Position = start;
            for (var left = end - start; left > 0;)
            {
                // The rest has to be long enough for another filler.
                var length = left <= MaxFillerLength ? left : MaxFillerLength - SegmentRecord.Overhead;
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

    /// <summary>Makes the events safe from a power cut. After a failed sync the system may report success without having written
    /// everything: then the whole file is written again first.</summary>
    public void Sync()
    {
        if (_isUnsafe)
            Rewrite();
        _isUnsafe = true;
        Durable.Flush(_stream);
        // The name in the folder cannot be written again: see Durable.
        if (!_isFolderSynced)
            Durable.FlushFolder(System.IO.Path.GetDirectoryName(_path)!);
        (_isUnsafe, _isFolderSynced) = (false, true);
    }

    /// <summary>Removes the file. If that fails, it is empty, and the next process that adopts it removes it.</summary>
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

    /// <summary>Unlocks the file: unsettled events wait for the process that adopts it.</summary>
    public void Dispose() => _stream.Dispose();

    /// <summary>Reads the intact records; an incomplete one is a report that never returned. False for a file of another version.</summary>
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

    private (IReadOnlyList<StoredEvent> Events, long End) Read(int maxEvents, int window)
    {
        var length = (int)Math.Min(_end - _settledTo, window);
        var bytes = ReadBytes(_settledTo, length);
        var events = new List<StoredEvent>();
        var position = 0;
        while (events.Count < maxEvents && SegmentRecord.Read(bytes, position, length) is { } record)
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

    /// <summary>Writes the same bytes to the same places, so that the file is intact at every instant.</summary>
    private void Rewrite()
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
            // The next write starts at the same offset, and may be shorter.
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
