namespace PyResolve.Client;

/// <summary>An API key and where it came from.</summary>
/// <param name="Key">The whole key.</param>
/// <param name="Source">Where it was found.</param>
/// <param name="ConfigPath">The config file that was, or would have been, read.</param>
public sealed record ApiKeyCredential(string Key, SettingSource Source, string ConfigPath)
{
    /// <summary>The key's first 20 characters, as the server lists it, and an ellipsis; for a key of another format,
    /// only the ellipsis.</summary>
    public string MaskedKey => Redaction.Key(Key);

    /// <summary>The profile it was read from; <see langword="null"/> for the environment and for the top of the file.</summary>
    public string? Profile { get; init; }

    /// <summary>The source, for people: the variable, or the setting and the file, such as <c>api_key in
    /// /home/ada/.pyresolve/config.toml</c>.</summary>
    public string Origin => Source == SettingSource.Environment
        ? ApiKeyStore.ApiKeyVariable
        : $"{(Profile is null ? "" : $"profiles.{Profile}.")}api_key in {ConfigPath}";

    /// <summary>The masked key and its source, so that the key never reaches a log.</summary>
    public override string ToString() => $"{MaskedKey} ({Origin})";
}
