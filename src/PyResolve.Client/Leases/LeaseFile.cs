using System.Buffers.Binary;
using System.Text;

namespace PyResolve.Client;

/// <summary>
/// A lease and its ledger, in one file, so that neither is there without the other: magic (8), by how much the server's clock is ahead in
/// milliseconds (8), the lease's length (4), a checksum (4) of the two and the lease, the lease; then <see cref="LedgerRecord"/>s, each on
/// disk before it counts. Read and written under the ledger's lock; not thread-safe.
/// </summary>
internal sealed class LeaseFile
{
    private const int HeadLength = 24;
    private const int FullAt = 256 * 1024;
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

    /// <summary>What has to be added to this machine's time to get the server's, as it was when the lease came.</summary>
    public TimeSpan Skew { get; }

    /// <summary>Something in the middle is not as it was written: what was spent is unknown.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Units that permits have, and units that permits have spent.</summary>
    public int Taken => _permits.Values.Sum(static permit => permit.Spent ?? permit.Units);

    /// <summary>Whether a permit is neither completed nor given back. Its process may have died.</summary>
    public bool HasPermitsOut => _permits.Values.Any(static permit => permit.Spent is null);

    /// <summary>The greatest instant that was ever seen here, by the server's clock as far as it is known.</summary>
    public DateTimeOffset LastSeen { get; private set; }

    public bool IsClosed { get; private set; }

    public static void Create(string path, string token, TimeSpan skew) => PrivateFile.Replace(path, Head(token, skew));

    /// <summary><see langword="null"/> when it is no such file, or its head is damaged.</summary>
    public static LeaseFile? Load(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length < HeadLength || !bytes.AsSpan(0, Magic.Length).SequenceEqual(Magic))
            return null;
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(16));
        if (length < 0 || length > bytes.Length - HeadLength || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(20)) != Checksum(bytes, length))
            return null;
        var skew = TimeSpan.FromMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)));
        var file = new LeaseFile(path, Encoding.ASCII.GetString(bytes, HeadLength, length), skew);
        file.Replay(bytes, HeadLength + length);
        return file;
    }

    /// <summary>Adds a record, safe from a power cut when this returns. One that fails is cut off again, where the disk allows that.</summary>
    /// <exception cref="IOException">It did not reach the disk. Here it does not count; where it could not be cut off either, it may for who loads the file.</exception>
    /// <exception cref="InvalidOperationException">The file is damaged: what comes next would lie over what cannot be read.</exception>
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
                // Whoever reads it next would take for kept what only the system's memory holds.
                TryCutOff(stream);
                throw;
            }
        }

        Apply(record);
        _end += LedgerRecord.Length;
        if (_end > FullAt)
            Compact();
    }

    /// <summary>A file system that has stopped for an error refuses this too. Then it keeps no later record either: nothing more is granted on it.</summary>
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

    /// <summary>Leaves out the permits that gave back all they had.</summary>
    private void Compact()
    {
        var head = Head(Token, Skew);
        using var bytes = new MemoryStream();
        bytes.Write(head, 0, head.Length);
        Write(new(LedgerEntry.Seen, Guid.Empty, 0, LastSeen));
        foreach (var (permit, (units, spent)) in _permits.Where(static entry => entry.Value.Spent != 0).Select(static entry => (entry.Key, entry.Value)))
        {
            Write(new(LedgerEntry.Taken, permit, units, LastSeen));
            if (spent is { } settled)
                Write(new(LedgerEntry.Settled, permit, settled, LastSeen));
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
                // What a power cut leaves of a record that nobody was told of is shorter than one, or all zeros.
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

    private static byte[] Head(string token, TimeSpan skew)
    {
        var bytes = new byte[HeadLength + token.Length];
        Magic.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), (long)skew.TotalMilliseconds);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), token.Length);
        Encoding.ASCII.GetBytes(token).CopyTo(bytes, HeadLength);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(20), Checksum(bytes, token.Length));
        return bytes;
    }

    private static uint Checksum(byte[] bytes, int tokenLength)
    {
        var summed = new byte[12 + tokenLength];
        Array.Copy(bytes, 8, summed, 0, 12);
        Array.Copy(bytes, HeadLength, summed, 12, tokenLength);
        return Crc32.Of(summed, 0, summed.Length);
    }
}
