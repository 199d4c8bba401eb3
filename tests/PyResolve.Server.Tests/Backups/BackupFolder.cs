using System.IO.Compression;

namespace PyResolve.Server.Tests.Backups;

/// <summary>A folder for a test's backups.</summary>
internal sealed class BackupFolder : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-backup-").FullName;

    public string File => Path.Combine(_folder, "pyresolve.backup");

    public string Other => Path.Combine(_folder, "other.backup");

    /// <summary>For the keys in a backup. A restore makes it.</summary>
    public string Keys => Path.Combine(_folder, "keys");

    public IEnumerable<string> Files => Directory.EnumerateFiles(_folder);

    public static Task<CommandResult> RunAsync(TestStore store, params string[] command) =>
        ServerProcess.RunAsync(command, store.Settings, TestContext.Current.CancellationToken);

    /// <summary><see cref="Other"/> is <see cref="File"/> with other lines.</summary>
    public async Task WriteDamagedAsync(Action<List<string>> damage, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        await using (var source = new GZipStream(System.IO.File.OpenRead(File), CompressionMode.Decompress))
        using (var reader = new StreamReader(source))
        {
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
                lines.Add(line);
        }
        damage(lines);
        await using var target = new GZipStream(System.IO.File.Create(Other), CompressionLevel.Fastest);
        await using var writer = new StreamWriter(target);
        foreach (var line in lines)
            await writer.WriteAsync($"{line}\n".AsMemory(), cancellationToken);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
