namespace PyResolve.Client;

/// <summary>The server's address and where it came from.</summary>
/// <param name="Url">The address.</param>
/// <param name="Source">Where it was found.</param>
/// <param name="ConfigPath">The config file that was, or would have been, read.</param>
public sealed record ApiUrlSetting(Uri Url, SettingSource Source, string ConfigPath)
{
    /// <summary>The profile it was read from; <see langword="null"/> for the environment and for the top of the file.</summary>
    public string? Profile { get; init; }

    /// <summary>The source, for people: the variable, or the setting and the file, such as <c>profiles.work.api_url in
    /// /home/ada/.pyresolve/config.toml</c>.</summary>
    public string Origin => Source == SettingSource.Environment ? ApiKeyStore.ApiUrlVariable : $"{Name(Profile)} in {ConfigPath}";

    /// <summary>The address, without a user name and a password that it may contain, and the source.</summary>
    public override string ToString() => $"{Redaction.WithoutUserInfo(Url)} from {Origin}";

    internal static string Name(string? profile) => profile is null ? "api_url" : $"profiles.{profile}.api_url";
}
