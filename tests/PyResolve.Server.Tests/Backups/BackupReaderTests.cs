using System.IO.Compression;
using System.Text;
using PyResolve.Server.Backups;

namespace PyResolve.Server.Tests.Backups;

/// <summary>A small compressed file can be without an end once it is not compressed any more.</summary>
public sealed class BackupReaderTests
{
    private const int Megabyte = 1 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_without_lines_is_refused_after_its_first_megabytes()
    {
        using var file = Compress("", zeros: 64 * Megabyte);
        await using var reader = new BackupReader(file);

        var refused = await Should.ThrowAsync<BackupException>(() => reader.ReadHeaderAsync(Cancellation));

        refused.Message.ShouldStartWith("This file is no backup");
        file.Position.ShouldBeLessThan(file.Length / 4);
    }

    [Fact]
    public async Task A_row_without_an_end_is_refused_before_it_fills_the_memory()
    {
        using var file = Compress("""{"table":"profiles","columns":["id"]}""" + "\n[\"", zeros: 256 * Megabyte);
        await using var reader = new BackupReader(file);
        await reader.ReadTableAsync(Cancellation);

        var refused = await Should.ThrowAsync<BackupException>(async () => await reader.ReadRowAsync(
            "profiles", [new StoredColumn("id", StoredType.Text)], new object?[1], Cancellation));

        refused.Message.ShouldStartWith("The backup is damaged");
        file.Position.ShouldBeLessThan(file.Length / 2);
    }

    [Fact]
    public async Task A_row_may_be_larger_than_other_lines()
    {
        var text = new string('x', 8 * Megabyte);
        using var file = Compress($"[\"{text}\"]\n", zeros: 0);
        await using var reader = new BackupReader(file);
        var values = new object?[1];

        var end = await reader.ReadRowAsync("profiles", [new StoredColumn("id", StoredType.Text)], values, Cancellation);

        end.ShouldBeNull();
        ((string)values[0]!).Length.ShouldBe(text.Length);
    }

    private static MemoryStream Compress(string begin, int zeros)
    {
        var file = new MemoryStream();
        using (var compressed = new GZipStream(file, CompressionLevel.Fastest, leaveOpen: true))
        {
            compressed.Write(Encoding.UTF8.GetBytes(begin));
            var piece = new byte[Megabyte];
            for (var written = 0; written < zeros; written += piece.Length)
                compressed.Write(piece);
        }

        file.Position = 0;
        return file;
    }
}
