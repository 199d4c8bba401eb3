using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace PyResolve.Cli.Migrations;

/// <summary>One line of a migrator. Members of other types of message are absent.</summary>
internal sealed record MigratorMessage(
    string? Type, long? Done, long? Total, string? File, long? Used, string? Level, string? Message, string? Summary);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(MigratorMessage))]
internal sealed partial class MigratorJson : JsonSerializerContext;

/// <summary>Splits what a migrator sends into lines, in memory that does not grow, and hands on the messages among them.</summary>
internal static class MigratorMessages
{
    /// <summary>In bytes. A longer line is skipped.</summary>
    public const int LongestLine = 64 * 1024;

    /// <param name="stream">What it sends.</param>
    /// <param name="take">Receives each message.</param>
    /// <param name="ignore">Receives why a line is not a message.</param>
    public static async Task ReadAsync(Stream stream, Action<MigratorMessage> take, Action<string> ignore)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(LongestLine);
        var (filled, isSkipping) = (0, false);
        try
        {
            while (await stream.ReadAsync(buffer.AsMemory(filled)) is > 0 and var read)
            {
                filled += read;
                var start = 0;
                while (buffer.AsSpan(start, filled - start).IndexOf((byte)'\n') is >= 0 and var length)
                {
                    if (!isSkipping)
                        ReadLine(buffer.AsSpan(start, length), take, ignore);
                    isSkipping = false;
                    start += length + 1;
                }

                filled -= start;
                buffer.AsSpan(start, filled).CopyTo(buffer);
                if (filled < buffer.Length)
                    continue;
                if (!isSkipping)
                    ignore("a line is longer than 64 KiB");
                (filled, isSkipping) = (0, true);
            }

            if (filled > 0 && !isSkipping)
                ReadLine(buffer.AsSpan(0, filled), take, ignore);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The channel was closed.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void ReadLine(ReadOnlySpan<byte> line, Action<MigratorMessage> take, Action<string> ignore)
    {
        line = line.TrimEnd((byte)'\r');
        if (line.IsEmpty)
            return;
        if (!Utf8.IsValid(line))
        {
            ignore("a line is not UTF-8");
            return;
        }
        try
        {
            var message = JsonSerializer.Deserialize(line, MigratorJson.Default.MigratorMessage);
            if (message?.Type is null)
                ignore("a line is not an object with a type");
            else
                take(message);
        }
        catch (JsonException)
        {
            ignore("a line is not JSON, or a member has another type");
        }
    }
}
