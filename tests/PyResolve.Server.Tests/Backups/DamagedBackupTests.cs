using System.Text.Json.Nodes;

namespace PyResolve.Server.Tests.Backups;

/// <summary>A file that is not what <c>backup</c> wrote restores nothing, whichever way it was changed.</summary>
public sealed class DamagedBackupTests(SharedServers servers)
{
    private static readonly (string What, Action<List<string>> Damage)[] Damages =
    [
        ("no end", static lines => lines.RemoveRange(lines.Count - 1, 1)),
        ("half the lines", static lines => lines.RemoveRange(lines.Count / 2, lines.Count / 2)),
        ("a line too many", static lines => lines.Add(lines[^1])),
        ("a row less", static lines => lines.RemoveAt(2)),
        ("a row twice", static lines => lines.Insert(2, lines[2])),
        ("another email", static lines => lines[2] = lines[2].Replace("ada@", "eve@", StringComparison.Ordinal)),
        ("an instant that there is not", static lines => SetValue(lines, "profiles", "created_at", 9_000_000_000_000_000_000)),
        ("an instant that only seems to be one", static lines => SetValue(lines, "profiles", "created_at", 1_844_674_407_370_955_162)),
        ("a number of more than 32 bits", static lines => SetValue(lines, "usage_events", "quantity", 3_000_000_000)),
        ("a number that the table forbids", static lines => SetValue(lines, "usage_events", "quantity", 0)),
        ("a row without values", static lines => lines[2] = "[]"),
        ("a row that is not JSON", static lines => lines[2] = "[}"),
        ("no header", static lines => lines[0] = "{}"),
        ("a header without tables", static lines => ChangeHeader(lines, static header => header["tables"] = null)),
        ("a header with a table of no name",
            static lines => ChangeHeader(lines, static header => header["tables"] = new JsonArray((JsonNode?)null))),
        ("a header with a key of no text", static lines => ChangeHeader(lines, static header => header["keys"]!["lease-key.pem"] = null)),
        ("a header with a schema that there is not", static lines => ChangeHeader(lines, static header => header["schema"] = 0)),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnBothEngines]
    public async Task A_damaged_backup_restores_nothing(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await BackUpAsync(engine, folder);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);

        foreach (var (what, damage) in Damages)
        {
            await folder.WriteDamagedAsync(damage, Cancellation);
            var restored = await BackupFolder.RunAsync(store, "restore", folder.Other);
            (restored.ExitCode, restored.Output).ShouldBe((1, ""), what);
            restored.Error.Trim().ShouldMatch(@"^(The backup|This file)[^\n]+Nothing was restored\.[^\n]*$", what);
        }

        (await store.HasTablesAsync()).ShouldBeFalse();
        (await BackupFolder.RunAsync(store, "restore", folder.File)).OrThrow("restore after all");
    }

    /// <summary>The last eight bytes are a checksum of everything, also of the header, and its length.</summary>
    [Theory, OnBothEngines]
    public async Task A_file_that_is_cut_or_of_another_kind_restores_nothing(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await BackUpAsync(engine, folder);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        var whole = await File.ReadAllBytesAsync(folder.File, Cancellation);

        foreach (var part in (byte[][])
                 [
                     [],
                     "no backup"u8.ToArray(),
                     whole[..20],
                     whole[..(whole.Length / 2)],
                     whole[..^12],
                     [.. whole[..^8], (byte)~whole[^8], .. whole[^7..]],
                 ])
        {
            await File.WriteAllBytesAsync(folder.Other, part, Cancellation);
            var restored = await BackupFolder.RunAsync(store, "restore", folder.Other);
            (restored.ExitCode, restored.Output).ShouldBe((1, ""), $"{part.Length} bytes");
            restored.Error.Trim().ShouldMatch(@"^(The backup|This file) is [^\n]*damaged[^\n]* Nothing was restored\.[^\n]*$");
        }

        (await store.HasTablesAsync()).ShouldBeFalse();
    }

    [Theory, OnBothEngines]
    public async Task A_backup_of_another_version_of_the_format_names_the_release_that_restores_it(StorageEngine engine)
    {
        using var folder = new BackupFolder();
        await BackUpAsync(engine, folder);
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await folder.WriteDamagedAsync(static lines => ChangeHeader(lines, static header => header["version"] = 2), Cancellation);

        var restored = await BackupFolder.RunAsync(store, "restore", folder.Other);

        restored.ExitCode.ShouldBe(1);
        restored.Error.Trim().ShouldBe(
            "This backup has version 2 of the format, and this server reads 1. Nothing was restored. "
            + "Restore it with the release that made it.");
    }

    private async Task BackUpAsync(StorageEngine engine, BackupFolder folder)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");
        (await account.Key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);
        (await BackupFolder.RunAsync(own.Store, "backup", folder.File)).OrThrow("backup");
    }

    private static void ChangeHeader(List<string> lines, Action<JsonNode> change)
    {
        var header = JsonNode.Parse(lines[0])!;
        change(header);
        lines[0] = header.ToJsonString();
    }

    /// <summary>Of the first row of a table.</summary>
    private static void SetValue(List<string> lines, string table, string column, long value)
    {
        var begin = lines.FindIndex(line => line.StartsWith($$"""{"table":"{{table}}",""", StringComparison.Ordinal));
        var columns = JsonNode.Parse(lines[begin])!["columns"]!.AsArray().Select(static name => (string)name!).ToList();
        var row = JsonNode.Parse(lines[begin + 1])!.AsArray();
        row[columns.IndexOf(column)] = value;
        lines[begin + 1] = row.ToJsonString();
    }
}
