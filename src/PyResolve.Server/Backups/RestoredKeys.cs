using PyResolve.Server.Hosting;

namespace PyResolve.Server.Backups;

/// <summary>
/// Where the keys of a backup go. A store without them is worth less: what cannot be kept is refused before the store is touched, and the
/// keys are written before the rows are committed.
/// </summary>
/// <param name="configuration">May have the same keys already.</param>
/// <param name="options">With the embedded database, its folder is where they go.</param>
/// <param name="keysTo">The folder that was named in its place; null: none was.</param>
internal sealed class RestoredKeys(IConfiguration configuration, ServerOptions options, string? keysTo)
{
    /// <summary>The keys as lines of settings, in a folder that was named.</summary>
    public const string LinesFile = "keys.env";

    private readonly List<(string File, string Text)> _files = [];
    private readonly List<ServerKey> _inBackup = [];

    /// <summary>What <see cref="Write"/> has written, or found there.</summary>
    public IEnumerable<string> Files => _files.Select(static file => file.File);

    /// <summary>The names of those that the backup has.</summary>
    public IEnumerable<string> Names => _inBackup.Select(static key => key.File);

    private string Folder => keysTo ?? options.DataFolder;

    /// <exception cref="BackupException">They have no place.</exception>
    /// <exception cref="InvalidConfigurationException">One of them, or the setting for it, is no key.</exception>
    public void Check(IReadOnlyDictionary<string, string> keys)
    {
        var lines = "";
        foreach (var key in ServerKeys.All)
        {
            if (!keys.TryGetValue(key.File, out var text))
                continue;
            _inBackup.Add(key);
            var split = key.Split($"{key.File} in the backup", text);
            if (IsNeeded(key, split))
                Add(key.File, text, found => split.SequenceEqual(key.Split(Path.Combine(Folder, key.File), found)));
            lines += EnvironmentFile.LineOf(key.Setting, string.Join(',', split));
        }

        if (keysTo is null || _files.Count == 0)
            return;
        Add(LinesFile, lines, found => found == lines);
        CheckFolder(keysTo);
    }

    /// <exception cref="BackupException">The folder does not take them.</exception>
    public void Write()
    {
        try
        {
            foreach (var (file, text) in _files)
                SecretFile.Create(file, () => text);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(Folder, exception);
        }
    }

    /// <returns>For each key that the server will not have, what that means and what helps.</returns>
    public IEnumerable<string> DescribeMissing() =>
        from key in ServerKeys.All.Except(_inBackup)
        where ServerOptions.Text(configuration, key.Setting) is null
        let file = options.DatabaseUrl is null ? Path.Combine(options.DataFolder, key.File) : null
        where file is null || !File.Exists(file)
        select file is null
            ? $"The backup does not have the key {key.File}, and {key.Setting} is not set here: {key.Need}. If the server that was backed "
                + $"up had that key, set {key.Setting} before the first start."
            : $"The backup does not have the key {key.File}, {key.Setting} is not set here, and there is no {file}: {key.Need}. If the "
                + "server that was backed up had that key, copy it there before the first start: where there is none, the server makes "
                + "another one.";

    /// <returns>false: the settings have the same keys.</returns>
    private bool IsNeeded(ServerKey key, IReadOnlyList<string> split)
    {
        if (ServerOptions.Text(configuration, key.Setting) is { } setting)
        {
            if (split.All(key.Split(key.Setting, setting).Contains))
                return false;
            return keysTo is not null ? true : throw new BackupException(
                $"{key.Setting} has another key than the backup. Nothing was restored. Correct it, or add --keys-to <folder>, which "
                + $"writes the backup's keys to files, and to {LinesFile} as lines of settings.");
        }

        return options.DatabaseUrl is null || keysTo is not null ? true : throw new BackupException(
            $"The backup has the server's key {key.File}, which a server with PostgreSQL reads from the setting {key.Setting}, and that "
            + $"is not set. Nothing was restored. Add --keys-to <folder>: {LinesFile} there gets the lines for the server's settings.");
    }

    private void Add(string name, string text, Func<string, bool> isSame)
    {
        var file = Path.Combine(Folder, name);
        if (File.Exists(file) && !isSame(File.ReadAllText(file)))
        {
            throw new BackupException(
                $"{file} has another key than the backup. Nothing was restored. Move the file away, or name another folder with "
                + "--keys-to.");
        }

        _files.Add((file, text));
    }

    private static void CheckFolder(string folder)
    {
        var file = Path.Combine(folder, Path.GetRandomFileName());
        try
        {
            Directory.CreateDirectory(folder);
            using var created = new FileStream(
                file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.DeleteOnClose });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CannotWrite(folder, exception);
        }
    }

    private static BackupException CannotWrite(string folder, Exception cause) => new(
        $"The keys of the backup cannot be written to {folder}: {FileFault.Explain(cause)}. Nothing was restored. Name a folder that "
        + $"{Environment.UserName} may write to, with --keys-to.",
        cause);
}
