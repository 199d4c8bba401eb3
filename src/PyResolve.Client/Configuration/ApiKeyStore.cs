namespace PyResolve.Client;

/// <summary>The API key and the server of the current user: from the environment, then from <c>config.toml</c>. Every call reads them
/// again. Thread-safe, and safe with other processes that write the same file.</summary>
public sealed class ApiKeyStore
{
    /// <summary>The environment variable of the API key.</summary>
    public const string ApiKeyVariable = "PYRESOLVE_API_KEY";

    /// <summary>The environment variable of the server's address.</summary>
    public const string ApiUrlVariable = "PYRESOLVE_API_URL";

    /// <summary>The environment variable of the folder.</summary>
    public const string HomeVariable = "PYRESOLVE_HOME";

    /// <summary>The environment variable of the profile.</summary>
    public const string ProfileVariable = "PYRESOLVE_PROFILE";

    private const string ApiKeyName = "api_key";
    private const string ApiUrlName = "api_url";
    private const string ProfileName = "profile";
    private const string ProfilesTable = "profiles";
    private const string ProfileRule = "A profile name has 1 to 64 characters: letters, digits, - and _.";
    private const int MaxProfileLength = 64;
    private readonly string? _profile;

    /// <summary>Creates a store over a folder.</summary>
    /// <param name="home">The folder. Default: <c>PYRESOLVE_HOME</c>, then <c>~/.pyresolve</c>. Created when something is saved; a user
    /// without a home can only read the environment.</param>
    /// <param name="profile">The profile to use: 1 to 64 characters: letters, digits, - and _. Default: <c>PYRESOLVE_PROFILE</c>, then
    /// <c>profile</c> in the file, then none, which is the key and the server at the top of the file.</param>
    /// <exception cref="ArgumentException"><paramref name="profile"/> is not a profile name.</exception>
    public ApiKeyStore(string? home = null, string? profile = null)
    {
        _profile = profile is null ? null : CheckProfile(profile);
        Home = Path.GetFullPath(home ?? Variable(HomeVariable) ?? Path.Combine(UserFolder.Path, ".pyresolve"));
        ConfigPath = Path.Combine(Home, "config.toml");
    }

    /// <summary>The folder, as an absolute path.</summary>
    public string Home { get; }

    /// <summary>The path of <c>config.toml</c> in it.</summary>
    public string ConfigPath { get; }

    /// <summary>A warning that other users can read the file, and how to fix that. <see langword="null"/> when they cannot, when there is
    /// no file, on Windows, and on runtimes before .NET 7, which cannot check it.</summary>
    public string? Warning => PrivateFile.IsReadableByOthers(ConfigPath)
        ? $"{ConfigPath} can be read by other users. Run: chmod 600 \"{ConfigPath}\""
        : null;

    /// <summary>The profile in use; <see langword="null"/> for the key and the server at the top of the file.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    /// <exception cref="PyResolveException">The environment or the file names an invalid profile.</exception>
    public string? FindProfile() => FindProfile(ConfigFile.Load(ConfigPath));

    /// <summary>The names of the profiles in the file, in its order.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    public IReadOnlyList<string> ListProfiles() => ConfigFile.Load(ConfigPath).Tables(ProfilesTable);

    /// <summary>Makes a profile the default one, for all processes that do not name another.</summary>
    /// <param name="profile">1 to 64 characters: letters, digits, - and _; <see langword="null"/> for the top of the file.</param>
    /// <exception cref="ArgumentException"><paramref name="profile"/> is not a profile name.</exception>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    /// <exception cref="PyResolveException">The file has no such profile.</exception>
    public void UseProfile(string? profile)
    {
        if (profile is not null)
            CheckProfile(profile);
        ConfigFile.Edit(ConfigPath, file => profile is null
            ? file.Remove(ProfileName)
            : file.Set(ProfileName, CheckExists(file, profile, "This call")));
    }

    /// <summary>The key and its source; <see langword="null"/> when there is none.</summary>
    /// <remarks>The file is not read when the environment has the key, unless a profile is asked for: that has to exist.</remarks>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    /// <exception cref="PyResolveException">The file has no such profile; the message lists those that it has.</exception>
    public ApiKeyCredential? FindApiKey()
    {
        if (Variable(ApiKeyVariable) is { } key)
        {
            CheckNamedProfile();
            return new(key, SettingSource.Environment, ConfigPath);
        }

        return FindSetting(ApiKeyName) is { } saved
            ? new(saved.Value, SettingSource.ConfigFile, ConfigPath) { Profile = saved.Profile }
            : null;
    }

    /// <summary>The server's address, or those of several, and its source; <see langword="null"/> when none is set.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    /// <remarks>The file is not read when the environment has the address, unless a profile is asked for: that has to exist.</remarks>
    /// <exception cref="PyResolveException">The address is not an absolute URL; or the file has no such profile, and the message lists
    /// those that it has.</exception>
    public ApiUrlSetting? FindApiUrl()
    {
        if (Variable(ApiUrlVariable) is { } text)
        {
            CheckNamedProfile();
            return Read(text, new(PyResolveClientOptions.DefaultApiUrl, SettingSource.Environment, ConfigPath));
        }

        if (FindSetting(ApiUrlName) is not { } saved)
            return null;
        return Read(
            saved.Value, new(PyResolveClientOptions.DefaultApiUrl, SettingSource.ConfigFile, ConfigPath) { Profile = saved.Profile });
    }

    /// <summary>Saves a key, and optionally a server, under the profile in use. The rest of the file is unchanged.</summary>
    /// <param name="apiKey">The key: visible ASCII characters.</param>
    /// <param name="apiUrl">The server, as an absolute URL; default: keep the one in the file.</param>
    /// <exception cref="ArgumentException">The key has other characters, or the URL is not absolute.</exception>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public void Save(string apiKey, Uri? apiUrl = null) => SaveWithServers(apiKey, apiUrl is null ? [] : [apiUrl]);

    /// <summary>As <see cref="Save"/>, with all servers of a service.</summary>
    /// <param name="apiKey">The key: visible ASCII characters.</param>
    /// <param name="apiUrls">The servers, as absolute URLs; none: keep those in the file.</param>
    /// <exception cref="ArgumentException">The key has other characters, or a URL is not absolute.</exception>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public void SaveWithServers(string apiKey, IReadOnlyList<Uri> apiUrls)
    {
        Guard.NotNull(apiUrls);
        if (!VisibleAscii.Is(Guard.NotNull(apiKey)))
            throw new ArgumentException("A key has visible ASCII characters only. Copy the whole key again.", nameof(apiKey));
        if (apiUrls.Any(static url => !url.IsAbsoluteUri))
            throw new ArgumentException("Write the server as https://api.pyresolve.dev.", nameof(apiUrls));
        ConfigFile.Edit(ConfigPath, file =>
        {
            var profile = FindProfile(file);
            var edited = file.Set(PathOf(profile, ApiKeyName), apiKey);
            return apiUrls.Count == 0 ? edited : edited.Set(PathOf(profile, ApiUrlName), ApiUrlList.Join(apiUrls));
        });
    }

    /// <summary>Removes the key of the profile in use from the file. The rest of it is unchanged.</summary>
    /// <returns>Whether there was a key.</returns>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    /// <exception cref="PyResolveException">The file has no such profile; the message lists those that it has.</exception>
    public bool RemoveApiKey()
    {
        if (FindSetting(ApiKeyName) is null)
            return false;
        ConfigFile.Edit(ConfigPath, file => file.Remove(PathOf(FindProfile(file), ApiKeyName)));
        return true;
    }

    /// <summary>Removes every key from the file in one step: the one at the top, and those of all profiles.</summary>
    /// <returns>The profiles that had a key, in the file's order; <see langword="null"/> stands for the top of the file.</returns>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public IReadOnlyList<string?> RemoveAllApiKeys()
    {
        var removed = new List<string?>();
        if (ConfigFile.Load(ConfigPath) is var now && WithKey(now).Count == 0)
            return removed;
        ConfigFile.Edit(ConfigPath, file =>
        {
            removed = WithKey(file);
            return removed.Aggregate(file, static (edited, profile) => edited.Remove(PathOf(profile, ApiKeyName)));
        });
        return removed;

        static List<string?> WithKey(ConfigFile file) =>
            [.. file.Tables(ProfilesTable).Prepend(null).Where(profile => file.String(PathOf(profile, ApiKeyName)) is not null)];
    }

    /// <summary>Removes a profile from the file: its key, its server, and whatever else is in its table. The rest of the file is
    /// unchanged. The key stays valid on the server.</summary>
    /// <param name="profile">1 to 64 characters: letters, digits, - and _.</param>
    /// <returns>Whether there was such a profile.</returns>
    /// <exception cref="ArgumentException"><paramref name="profile"/> is not a profile name.</exception>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public bool RemoveProfile(string profile)
    {
        if (!ListProfiles().Contains(CheckProfile(Guard.NotNull(profile))))
            return false;
        ConfigFile.Edit(ConfigPath, file => file.RemoveTable(ProfilesTable, profile));
        return true;
    }

    /// <summary>Reads a string from the file, for tools that keep their own settings in it. The environment is not read.</summary>
    /// <param name="path">The names of the tables, then the key, as in <c>ReadSetting("mytool", "colour")</c>.</param>
    /// <returns>The value; <see langword="null"/> when the key is not set.</returns>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read; or the value is not a string.</exception>
    public string? ReadSetting(params string[] path) => ConfigFile.Load(ConfigPath).String(Guard.NotNull(path));

    /// <summary>Writes a string to the file, or removes it, for tools that keep their own settings in it. All else in the file stays.
    /// </summary>
    /// <param name="value">The new value; <see langword="null"/> to remove the setting.</param>
    /// <param name="path">The names of the tables, then the key, as for <see cref="ReadSetting"/>.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public void WriteSetting(string? value, params string[] path)
    {
        if (Guard.NotNull(path).Length == 0)
            throw new ArgumentException("A setting has at least one name.", nameof(path));
        ConfigFile.Edit(ConfigPath, file => value is null ? file.Remove(path) : file.Set(path, value));
    }

    /// <summary>Reads the strings of a top-level table of the file, such as <c>[migrators]</c>.</summary>
    /// <param name="table">The table's name.</param>
    /// <returns>The values by key; empty when there is no such table.</returns>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read; or a value is not a string.</exception>
    public IReadOnlyDictionary<string, string> ReadSettings(string table) => ConfigFile.Load(ConfigPath).Strings(Guard.NotNull(table));

    internal static bool IsProfile(string name) => name.Length is > 0 and <= MaxProfileLength && name.All(TomlText.IsBareCharacter);

    private (string Value, string? Profile)? FindSetting(string name)
    {
        var file = ConfigFile.Load(ConfigPath);
        var profile = FindExistingProfile(file);
        var value = file.String(PathOf(profile, name))?.Trim();
        return string.IsNullOrEmpty(value) ? null : (value!, profile);
    }

    private string? FindProfile(ConfigFile file)
    {
        if (_profile is not null)
            return _profile;
        var found = Variable(ProfileVariable) ?? file.String(ProfileName)?.Trim();
        if (string.IsNullOrEmpty(found) || IsProfile(found!))
            return found is "" ? null : found;
        throw Invalid($"{ProfileOrigin()} is not a profile name.", ProfileRule);
    }

    /// <summary>A mistyped name must not select the top of the file, or the public server.</summary>
    private string? FindExistingProfile(ConfigFile file) =>
        FindProfile(file) is { } profile ? CheckExists(file, profile, ProfileOrigin()) : null;

    private void CheckNamedProfile()
    {
        if (_profile is not null || Variable(ProfileVariable) is not null)
            FindExistingProfile(ConfigFile.Load(ConfigPath));
    }

    private string ProfileOrigin() => _profile is not null ? "The profile option"
        : Variable(ProfileVariable) is not null ? ProfileVariable
        : $"{ProfileName} in {ConfigPath}";

    private string CheckExists(ConfigFile file, string profile, string origin)
    {
        var existing = file.Tables(ProfilesTable);
        if (existing.Contains(profile))
            return profile;
        var list = existing.Count == 0 ? "It has no profiles." : $"Its profiles are: {string.Join(", ", existing)}.";
        throw Invalid(
            $"{origin} names the profile '{profile}', which {ConfigPath} does not have.",
            $"{list} Correct the name, or save a key under it first.");
    }

    private static string[] PathOf(string? profile, string name) => profile is null ? [name] : [ProfilesTable, profile, name];

    private static string CheckProfile(string profile) =>
        IsProfile(profile) ? profile : throw new ArgumentException(ProfileRule, nameof(profile));

    private static ApiUrlSetting? Read(string text, ApiUrlSetting setting)
    {
        var written = ApiUrlList.Split(text);
        for (var i = 0; i < written.Count; i++)
        {
            if (Uri.TryCreate(written[i], UriKind.Absolute, out _))
                continue;
            throw Invalid(
                $"{ApiUrlList.Name(setting.Origin, i, written.Count)} is not an absolute http or https URL.",
                "Write it as https://api.pyresolve.dev." + (written.Count == 1 ? "" : " Commas separate addresses."));
        }

        return written.Count == 0
            ? null
            : setting with { Url = new(written[0]), List = written.Count == 1 ? null : text };
    }

    private static string? Variable(string name)
    {
        var value = Environment.GetEnvironmentVariable(name)?.Trim();
        return string.IsNullOrEmpty(value) ? null : value;
    }

    private static PyResolveException Invalid(string cause, string hint) => new(PyResolveErrorCodes.InvalidConfiguration, cause, hint);
}
