namespace PyResolve.Client;

/// <summary>The server's address and where it came from.</summary>
/// <param name="Url">The address; of several, the first.</param>
/// <param name="Source">Where it was found.</param>
/// <param name="ConfigPath">The config file that was, or would have been, read.</param>
public sealed record ApiUrlSetting(Uri Url, SettingSource Source, string ConfigPath)
{
    /// <summary>All addresses of the service, in the order in which they are written.</summary>
    public IReadOnlyList<Uri> Urls => List is null ? [Url] : [.. ApiUrlList.Split(List).Select(static one => new Uri(one))];

    /// <summary>The profile it was read from; <see langword="null"/> for the environment and for the top of the file.</summary>
    public string? Profile { get; init; }

    /// <summary>The source, for people: the variable, or the setting and the file, such as <c>profiles.work.api_url in
    /// /home/ada/.pyresolve/config.toml</c>.</summary>
    public string Origin => Source == SettingSource.Environment ? ApiKeyStore.ApiUrlVariable : $"{Name(Profile)} in {ConfigPath}";

    /// <summary>Several addresses as they are written; <see langword="null"/> for one.</summary>
    internal string? List { get; init; }

    /// <summary>The addresses, without a user name and a password that they may contain, and the source.</summary>
    public override string ToString() => $"{string.Join(", ", Urls.Select(Redaction.WithoutUserInfo))} from {Origin}";

    internal static string Name(string? profile) => profile is null ? "api_url" : $"profiles.{profile}.api_url";
}
