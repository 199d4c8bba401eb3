using System.Buffers.Binary;
using System.Text;

namespace PyResolve.Client;

/// <summary>A lease and its ledger, in one file, so that neither exists without the other: magic (8), how far the server's clock is ahead
/// in milliseconds (8), the lease's length (4), a checksum of these two and the lease (4), the lease; then <see cref="LedgerRecord"/>s,
/// each on disk before it counts. Read and written under the ledger's lock; not thread-safe.</summary>
internal sealed class LeaseFile
{
    private const int HeaderLength = 24;
    private const int CompactAbove = 256 * 1024;
    private static readonly byte[] Magic = [.. "PYRLSE01"u8];

    private readonly Dictionary<Guid, (int Units, int? Spent)> _permits = [];
    private readonly string _path;
    private int _end;

    private LeaseFile(string path, string token, TimeSpan skew)
    {
        _path = path;
        Token = token;
        Skew = skew;
    }

    public string Path => _path;

    public string Token { get; }

    /// <summary>The server's time minus this machine's, as measured when the lease was received.</summary>
    public TimeSpan Skew { get; }

    /// <summary>Whether a record in the middle is damaged, so that the number of spent units is unknown.</summary>
    public bool IsDamaged { get; private set; }

    public int Taken => _permits.Values.Sum(static permit => permit.Spent ?? permit.Units);

    /// <summary>Whether a permit is neither completed nor released. Its process may have died.</summary>
    public bool HasOpenPermits => _permits.Values.Any(static permit => permit.Spent is null);

    /// <summary>The latest time seen, by the server's clock as far as it is known.</summary>
    public DateTimeOffset LastSeen { get; private set; }

    public bool IsClosed { get; private set; }

    public static void Create(string path, string token, TimeSpan skew) => PrivateFile.Replace(path, Header(token, skew));

    /// <returns><see langword="null"/> when it is not such a file, or its header is damaged.</returns>
    public static LeaseFile? Load(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length < HeaderLength || !bytes.AsSpan(0, Magic.Length).SequenceEqual(Magic))
            return null;
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(16));
        if (length < 0 || length > bytes.Length - HeaderLength)
            return null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(20)) != Checksum(bytes, length))
            return null;
        var skew = TimeSpan.FromMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)));
        var file = new LeaseFile(path, Encoding.ASCII.GetString(bytes, HeaderLength, length), skew);
        file.Replay(bytes, HeaderLength + length);
        return file;
    }

    /// <summary>Appends a record, on disk when this returns. A failed one is cut off if possible.</summary>
    /// <exception cref="IOException">It did not reach the disk. Unless it was cut off, the next process may count it.</exception>
    /// <exception cref="InvalidOperationException">The file is damaged: the record would overwrite what cannot be read.</exception>
    public void Append(LedgerRecord record)
    {
        if (IsDamaged)
            throw new InvalidOperationException($"{_path} is damaged.");
        using (var stream = new FileStream(_path, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 1))
        {
            try
            {
                stream.Position = _end;
                stream.Write(record.ToBytes(), 0, LedgerRecord.Length);
                Durable.Flush(stream);
            }
            catch (IOException)
            {
                // Another process would read the record from the system's cache, and rely on it.
                TryCutOff(stream);
                throw;
            }
        }

        Apply(record);
        _end += LedgerRecord.Length;
        if (_end > CompactAbove)
            Compact();
    }

    /// <summary>A read-only file system refuses this too. Then nothing can be written, and nothing else is granted.</summary>
    private void TryCutOff(FileStream stream)
    {
        try
        {
            stream.SetLength(_end);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    private void Compact()
    {
        var header = Header(Token, Skew);
        using var bytes = new MemoryStream();
        bytes.Write(header, 0, header.Length);
        Write(new(LedgerEntry.Seen, Guid.Empty, 0, LastSeen));
        foreach (var permit in _permits.Where(static permit => permit.Value.Spent != 0))
        {
            Write(new(LedgerEntry.Taken, permit.Key, permit.Value.Units, LastSeen));
            if (permit.Value.Spent is { } spent)
                Write(new(LedgerEntry.Settled, permit.Key, spent, LastSeen));
        }

        if (IsClosed)
            Write(new(LedgerEntry.Closed, Guid.Empty, 0, LastSeen));
        PrivateFile.Replace(_path, bytes.ToArray());
        _end = (int)bytes.Length;

        void Write(LedgerRecord record) => bytes.Write(record.ToBytes(), 0, LedgerRecord.Length);
    }

    private void Replay(byte[] bytes, int start)
    {
        for (_end = start; bytes.Length - _end >= LedgerRecord.Length; _end += LedgerRecord.Length)
        {
            if (LedgerRecord.Read(bytes, _end) is not { } record)
            {
                // A record that a power cut interrupted is shorter than others, or all zeros.
                IsDamaged = bytes.Skip(_end).Any(static value => value != 0);
                return;
            }

            Apply(record);
        }
    }

    private void Apply(LedgerRecord record)
    {
        if (record.At > LastSeen)
            LastSeen = record.At;
        if (record.Kind == LedgerEntry.Taken)
            _permits[record.Permit] = (record.Units, null);
        else if (record.Kind == LedgerEntry.Settled && _permits.TryGetValue(record.Permit, out var permit) && permit.Spent is null)
            _permits[record.Permit] = (permit.Units, record.Units);
        else if (record.Kind == LedgerEntry.Closed)
            IsClosed = true;
    }

    private static byte[] Header(string token, TimeSpan skew)
    {
        var bytes = new byte[HeaderLength + token.Length];
        Magic.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), (long)skew.TotalMilliseconds);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), token.Length);
        Encoding.ASCII.GetBytes(token).CopyTo(bytes, HeaderLength);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(20), Checksum(bytes, token.Length));
        return bytes;
    }

    private static uint Checksum(byte[] bytes, int tokenLength)
    {
        var summed = new byte[12 + tokenLength];
        Array.Copy(bytes, 8, summed, 0, 12);
        Array.Copy(bytes, HeaderLength, summed, 12, tokenLength);
        return Crc32.Of(summed, 0, summed.Length);
    }
}
