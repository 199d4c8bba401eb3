using PyResolve.Migrators.Protocol;
using PyResolve.Migrators.Pydantic;

namespace PyResolve.Samples.Tests;

/// <summary>A temporary folder of Python files, for the migrator to run on.</summary>
internal sealed class MigratedFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("pydantic-migrator-").FullName;

    public string FullPath => _path;

    /// <summary>The output of the last run.</summary>
    public string Output { get; private set; } = "";

    public MigratedFolder With(string file, string content)
    {
        var path = Path.Combine(_path, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
        return this;
    }

    public string Read(string file = "app.py") => File.ReadAllText(Path.Combine(_path, file));

    public MigratedFolder Run()
    {
        using var output = new StringWriter();
        new FolderMigration(output, MigratorChannel.None, FileSelection.All).Run(_path, TestContext.Current.CancellationToken);
        Output = output.ToString();
        return this;
    }

    /// <summary>Migrates one file.</summary>
    public static string Migrate(string code)
    {
        using var folder = new MigratedFolder().With("app.py", code);
        return folder.Run().Read();
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
