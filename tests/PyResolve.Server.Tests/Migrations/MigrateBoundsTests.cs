using System.Formats.Tar;
using System.IO.Compression;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Migrations;

/// <summary>What <c>POST /migrate</c> takes at most.</summary>
public sealed class MigrateBoundsTests(SharedServers servers)
{
    private const string TarType = "application/x-tar";
    private const string Query = "/migrate?library=append&target=2.0&tier=tier1";

    [Fact]
    public async Task A_body_has_at_most_2000_files()
    {
        await using var own = await StartAsync();
        var account = await own.SignUpAsync();

        var most = await account.Key.MigrateAsync("append", files: Files(2_000));
        var more = await account.Key.MigrateAsync("append", files: Files(2_001));
        var packed = await account.Key.PostAsync(Query, MigrateDriver.Bytes(await ArchiveAsync(2_001), TarType));

        most.Status.ShouldBe(200, most.Text);
        more.ShouldBlame("files");
        packed.ShouldBlame("files");
        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData(TarType)]
    public async Task A_body_that_unpacks_to_more_than_8_MiB_is_too_large(string type)
    {
        await using var own = await StartAsync();
        var account = await own.SignUpAsync();
        var bomb = new byte[(8 * 1024 * 1024) + 1];
        Array.Fill(bomb, (byte)' ');

        var packed = await account.Key.PostAsync(Query, MigrateDriver.Bytes(Pack(bomb), type, "gzip"));
        var plain = await account.Key.PostAsync(Query, MigrateDriver.Bytes(bomb, type));

        packed.ShouldBeProblem(413, "too_large");
        plain.ShouldBeProblem(413, "too_large");
    }

    [Theory]
    [InlineData(TarEntryType.SymbolicLink)]
    [InlineData(TarEntryType.HardLink)]
    [InlineData(TarEntryType.CharacterDevice)]
    [InlineData(TarEntryType.BlockDevice)]
    [InlineData(TarEntryType.Fifo)]
    public async Task What_is_neither_a_file_nor_a_folder_in_an_archive_is_refused(TarEntryType type)
    {
        await using var own = await StartAsync();
        var account = await own.SignUpAsync();
        var entry = new PaxTarEntry(type, "a.py");
        if (type is TarEntryType.SymbolicLink or TarEntryType.HardLink)
            entry.LinkName = "/etc/passwd";

        (await account.Key.PostAsync(Query, MigrateDriver.Bytes(await ArchiveAsync(entry), TarType))).ShouldBlame("files");
        (await account.QuotaAsync()).Remaining.ShouldBe(5);
    }

    [Theory]
    [InlineData("../a.py")]
    [InlineData("/etc/a.py")]
    [InlineData("a/../../a.py")]
    public async Task A_path_in_an_archive_that_leaves_the_folder_is_refused(string path)
    {
        await using var own = await StartAsync();
        var account = await own.SignUpAsync();
        var entry = new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream("a = 1\n"u8.ToArray()) };

        (await account.Key.PostAsync(Query, MigrateDriver.Bytes(await ArchiveAsync(entry), TarType))).ShouldBlame("files");
    }

    [Fact]
    public async Task A_server_runs_so_many_at_a_time_of_all_accounts_together()
    {
        await using var own = await StartAsync();
        var (first, second, third) = (await own.SignUpAsync(), await own.SignUpAsync(), await own.SignUpAsync());
        var running = await first.Key.MigrateLaterAsync("slow");
        (await second.Key.MigrateLaterAsync("slow")).Status.ShouldBe(202);

        var refused = await third.Key.MigrateAsync("append");
        await first.Key.DeleteAsync($"/migrate/{running.Id()}");
        var taken = await third.Key.MigrateAsync("append");

        refused.ShouldBeProblem(503, "unavailable");
        refused.Headers.RetryAfter!.ToString().ShouldBe("5");
        taken.Status.ShouldBe(200, taken.Text);
        (await third.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
    }

    private Task<OwnServer> StartAsync() => OwnServer.StartAsync(
        StorageEngine.Sqlite, servers.Postgres,
        settings: new Dictionary<string, string?>(MigrateDriver.Shell(("append", "echo \"b = 2\" >> \"$1/0.py\""), ("slow", "sleep 60")))
        {
            ["PyResolve:Migrate:Concurrent"] = "2",
        });

    private static Dictionary<string, string> Files(int count) =>
        Enumerable.Range(0, count).ToDictionary(static number => $"{number}.py", static _ => "a = 1\n");

    private static Task<byte[]> ArchiveAsync(int count) => ArchiveAsync(
        [.. Enumerable.Range(0, count).Select(static number => new PaxTarEntry(TarEntryType.RegularFile, $"{number}.py"))]);

    private static async Task<byte[]> ArchiveAsync(params PaxTarEntry[] entries)
    {
        using var archive = new MemoryStream();
        await using (var tar = new TarWriter(archive, leaveOpen: true))
        {
            foreach (var entry in entries)
                await tar.WriteEntryAsync(entry, TestContext.Current.CancellationToken);
        }

        return archive.ToArray();
    }

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(bytes);
        return packed.ToArray();
    }
}
