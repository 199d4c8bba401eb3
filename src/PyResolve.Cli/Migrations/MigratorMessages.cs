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

    public static async Task ReadAsync(Stream stream, MigratorReport report)
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
                        ReadLine(buffer.AsSpan(start, length), report);
                    isSkipping = false;
                    start += length + 1;
                }

                filled -= start;
                buffer.AsSpan(start, filled).CopyTo(buffer);
                if (filled < buffer.Length)
                    continue;
                if (!isSkipping)
                    report.Ignore("a line is longer than 64 KiB");
                (filled, isSkipping) = (0, true);
            }

            if (filled > 0 && !isSkipping)
                ReadLine(buffer.AsSpan(0, filled), report);
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

    private static void ReadLine(ReadOnlySpan<byte> line, MigratorReport report)
    {
        line = line.TrimEnd((byte)'\r');
        if (line.IsEmpty)
            return;
        if (!Utf8.IsValid(line))
        {
            report.Ignore("a line is not UTF-8");
            return;
        }
        try
        {
            var message = JsonSerializer.Deserialize(line, MigratorJson.Default.MigratorMessage);
            if (message?.Type is null)
                report.Ignore("a line is not an object with a type");
            else
                report.Take(message);
        }
        catch (JsonException)
        {
            report.Ignore("a line is not JSON, or a member has another type");
        }
    }
}
