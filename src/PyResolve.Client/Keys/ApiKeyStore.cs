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
    internal const string ProfileVariable = "PYRESOLVE_PROFILE";
    private const string ApiKeyName = "api_key";
    private const string ApiUrlName = "api_url";
    private const string ProfileName = "profile";
    private const string ProfilesTable = "profiles";
    private const int LongestProfile = 64;
    private readonly string? _profile;

    /// <summary>A store in a folder.</summary>
    /// <param name="home">Default: <c>PYRESOLVE_HOME</c>, then <c>~/.pyresolve</c>. It is created when something is saved.</param>
    /// <param name="profile">
    /// The server and account to use: 1 to 64 letters, digits, - and _. Default: <c>PYRESOLVE_PROFILE</c>, then <c>profile</c> in the file, then
    /// the key and the server at the top of the file.
    /// </param>
    /// <exception cref="ArgumentException">That is no name of a profile.</exception>
    public ApiKeyStore(string? home = null, string? profile = null)
    {
        _profile = profile is null ? null : Checked(profile);
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

    /// <summary>The profile in use; <see langword="null"/> for the key and the server at the top of the file.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    /// <exception cref="PyResolveException">What is set is no name of a profile.</exception>
    public string? FindProfile() => FindProfile(ConfigFile.Load(ConfigPath));

    /// <summary>The profiles in the file, in its order.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    public IReadOnlyList<string> ListProfiles() => ConfigFile.Load(ConfigPath).Tables(ProfilesTable);

    /// <summary>Makes a profile the one that is used from now on, here and in other processes, unless they name another.</summary>
    /// <param name="profile">1 to 64 letters, digits, - and _; <see langword="null"/> for the key and the server at the top of the file.</param>
    /// <exception cref="ArgumentException">That is no name of a profile.</exception>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public void UseProfile(string? profile)
    {
        if (profile is not null)
            Checked(profile);
        ConfigFile.Edit(ConfigPath, file => profile is null ? file.Remove(ProfileName) : file.Set(ProfileName, profile));
    }

    /// <summary>The key, and where it is from; <see langword="null"/> when there is none.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    public ApiKeyCredential? FindApiKey()
    {
        if (Variable(ApiKeyVariable) is { } key)
            return new(key, SettingSource.Environment, ConfigPath);
        return Setting(ApiKeyName) is { } saved ? new(saved.Value, SettingSource.ConfigFile, ConfigPath) { Profile = saved.Profile } : null;
    }

    /// <summary>The server, and where its address is from; <see langword="null"/> when none is set.</summary>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be read.</exception>
    /// <exception cref="PyResolveException">What is set is no absolute URL.</exception>
    public ApiUrlSetting? FindApiUrl()
    {
        if (Variable(ApiUrlVariable) is { } text)
            return new(Url(text, ApiUrlVariable), SettingSource.Environment, ConfigPath);
        if (Setting(ApiUrlName) is not { } saved)
            return null;
        var origin = $"{ApiUrlSetting.Name(saved.Profile)} in {ConfigPath}";
        return new(Url(saved.Value, origin), SettingSource.ConfigFile, ConfigPath) { Profile = saved.Profile };
    }

    /// <summary>Keeps a key, and a server if one is given, in the file, under the profile in use, readable by its owner alone. Whatever else the file holds stays as it is.</summary>
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
        ConfigFile.Edit(ConfigPath, file =>
        {
            var profile = FindProfile(file);
            var edited = file.Set(PathOf(profile, ApiKeyName), apiKey);
            return apiUrl is null ? edited : edited.Set(PathOf(profile, ApiUrlName), apiUrl.OriginalString);
        });
    }

    /// <summary>Removes the key of the profile in use from the file, and nothing else.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ConfigFileException">The file is malformed, or cannot be written.</exception>
    public bool RemoveApiKey()
    {
        if (Setting(ApiKeyName) is null)
            return false;
        ConfigFile.Edit(ConfigPath, file => file.Remove(PathOf(FindProfile(file), ApiKeyName)));
        return true;
    }

    private (string Value, string? Profile)? Setting(string name)
    {
        var file = ConfigFile.Load(ConfigPath);
        var profile = FindProfile(file);
        var value = file.String(PathOf(profile, name))?.Trim();
        return string.IsNullOrEmpty(value) ? null : (value!, profile);
    }

    private string? FindProfile(ConfigFile file)
    {
        if (_profile is not null)
            return _profile;
        var variable = Variable(ProfileVariable);
        var found = variable ?? file.String(ProfileName)?.Trim();
        if (string.IsNullOrEmpty(found))
            return null;
        return IsProfile(found!)
            ? found
            : throw new PyResolveException(
                PyResolveErrorCodes.InvalidConfiguration,
                $"{(variable is null ? $"{ProfileName} in {ConfigPath}" : ProfileVariable)} is no name of a profile; a profile has 1 to 64 letters, digits, - and _.");
    }

    private static string[] PathOf(string? profile, string name) => profile is null ? [name] : [ProfilesTable, profile, name];

    private static string Checked(string profile) => IsProfile(profile)
        ? profile
        : throw new ArgumentException("A profile has 1 to 64 letters, digits, - and _.", nameof(profile));

    internal static bool IsProfile(string name) => name.Length is > 0 and <= LongestProfile && name.All(TomlText.IsBareCharacter);

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
