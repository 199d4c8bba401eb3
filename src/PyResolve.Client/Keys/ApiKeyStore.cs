namespace PyResolve.Client;

/// <summary>
/// The API key and the server of this machine's user: the environment first, then <c>config.toml</c>. Reads afresh at each call; thread-safe,
/// and safe beside other processes that write the same file.
/// </summary>
public sealed class ApiKeyStore
{
    internal const string ApiKeyVariable = "PYRESOLVE_API_KEY";
    internal const string ApiUrlVariable = "PYRESOLVE_API_URL";
    internal const string HomeVariable = "PYRESOLVE_HOME";
    private const string ApiKeyName = "api_key";
    private const string ApiUrlName = "api_url";

    /// <summary>A store in a folder.</summary>
    /// <param name="home">Default: <c>PYRESOLVE_HOME</c>, then <c>~/.pyresolve</c>. It is created when something is saved.</param>
    public ApiKeyStore(string? home = null)
    {
        Home = Path.GetFullPath(home ?? Variable(HomeVariable) ?? DefaultHome());
        ConfigPath = Path.Combine(Home, "config.toml");
    }

    /// <summary>The folder.</summary>
    public string Home { get; }

    /// <summary>The file in it.</summary>
    public string ConfigPath { get; }

    /// <summary>
    /// What is wrong with how the file is kept, and what mends it: others than its owner can read it. <see langword="null"/> when all is well,
    /// where there is no file, on Windows, and on runtimes before .NET 7, which cannot tell.
    /// </summary>
    public string? Warning => PrivateFile.IsReadableByOthers(ConfigPath)
        ? $"{ConfigPath} can be read by others than its owner. Run: chmod 600 \"{ConfigPath}\""
        : null;

    /// <summary>The key, and where it is from; <see langword="null"/> when there is none.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    public ApiKeyCredential? Find()
    {
        if (Variable(ApiKeyVariable) is { } key)
            return new(key, SettingSource.Environment, ConfigPath);
        return Setting(ApiKeyName) is { } saved ? new(saved, SettingSource.ConfigFile, ConfigPath) : null;
    }

    /// <summary>The server, and where its address is from; <see langword="null"/> when none is set.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    /// <exception cref="PyResolveException">What is set is no absolute URL.</exception>
    public ApiUrlSetting? FindApiUrl()
    {
        if (Variable(ApiUrlVariable) is { } text)
            return new(Url(text, ApiUrlVariable), SettingSource.Environment, ConfigPath);
        return Setting(ApiUrlName) is { } saved ? new(Url(saved, $"api_url in {ConfigPath}"), SettingSource.ConfigFile, ConfigPath) : null;
    }

    /// <summary>Keeps a key, and a server if one is given, in the file, readable by its owner alone. Whatever else the file holds stays as it is.</summary>
    /// <param name="apiKey">The key: visible ASCII characters.</param>
    /// <param name="apiUrl">The server; default: leave what is there.</param>
    /// <exception cref="ArgumentException">That is no key, or no absolute URL.</exception>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public void Save(string apiKey, Uri? apiUrl = null)
    {
        if (!Guard.IsVisibleAscii(Guard.NotNull(apiKey)))
            throw new ArgumentException("A key has visible ASCII characters only; copy the whole key again, without quotes.", nameof(apiKey));
        if (apiUrl is { IsAbsoluteUri: false })
            throw new ArgumentException("Write the server as https://api.pyresolve.dev.", nameof(apiUrl));
        PrivateFile.Edit(ConfigPath, file =>
        {
            var edited = file.Set(ApiKeyName, apiKey);
            return apiUrl is null ? edited : edited.Set(ApiUrlName, apiUrl.OriginalString);
        });
    }

    /// <summary>Removes the key from the file, and nothing else.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public bool Remove()
    {
        if (Setting(ApiKeyName) is null)
            return false;
        PrivateFile.Edit(ConfigPath, static file => file.Remove(ApiKeyName));
        return true;
    }

    private string? Setting(string name)
    {
        var value = ConfigFile.Load(ConfigPath).String(name)?.Trim();
        return string.IsNullOrEmpty(value) ? null : value;
    }

    private static Uri Url(string text, string origin) => Uri.TryCreate(text, UriKind.Absolute, out var url)
        ? url
        : throw new PyResolveException(
            PyResolveErrorCodes.InvalidConfiguration, $"{origin} is not an absolute http or https URL; write it as https://api.pyresolve.dev.");

    private static string? Variable(string name)
    {
        var value = Environment.GetEnvironmentVariable(name)?.Trim();
        return string.IsNullOrEmpty(value) ? null : value;
    }

    private static string DefaultHome()
    {
        var user = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return user.Length > 0
            ? Path.Combine(user, ".pyresolve")
            : throw new PyResolveException(PyResolveErrorCodes.InvalidConfiguration, "This user has no home folder. Set PYRESOLVE_HOME to a folder of your own.");
    }
}
