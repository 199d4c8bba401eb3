using System.Text.Json;

namespace PyResolve.Migrators.Protocol;

/// <summary>What a migrator tells the command line that started it, one JSON object a line. Without one, nothing.</summary>
internal sealed class MigratorChannel : IDisposable
{
    private readonly Stream _stream;

    private MigratorChannel(Stream stream) => _stream = stream;

    public static MigratorChannel None { get; } = new(Stream.Null);

    /// <summary>Whether anyone is told.</summary>
    public bool IsOpen => _stream != Stream.Null;

    /// <exception cref="IOException">The command line that started this program has ended.</exception>
    public static MigratorChannel Open()
    {
        if (Environment.GetEnvironmentVariable(MigratorVariables.Version) != MigratorVariables.SupportedVersion
            || Environment.GetEnvironmentVariable(MigratorVariables.Channel) is not { Length: > 0 } path)
            return None;
        return new MigratorChannel(new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Open,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
            BufferSize = 0,
        }));
    }

    /// <exception cref="IOException">As for <see cref="Open"/>.</exception>
    public void WriteProgress(int done, int total, string? file) => Write(json =>
    {
        json.WriteString("type"u8, "progress"u8);
        json.WriteNumber("done"u8, done);
        json.WriteNumber("total"u8, total);
        if (file is not null)
            json.WriteString("file"u8, file);
    });

    /// <exception cref="IOException">As for <see cref="Open"/>.</exception>
    public void WriteResult(string summary) => Write(json =>
    {
        json.WriteString("type"u8, "result"u8);
        json.WriteString("summary"u8, summary);
    });

    public void Dispose() => _stream.Dispose();

    /// <summary>Each message is one write, so that messages of several processes do not mix.</summary>
    private void Write(Action<Utf8JsonWriter> members)
    {
        if (!IsOpen)
            return;
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        try
        {
            _stream.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
        }
        catch (IOException e)
        {
            throw new IOException("Stopped, because the upgrade that this belongs to has ended.", e);
        }
    }
}
