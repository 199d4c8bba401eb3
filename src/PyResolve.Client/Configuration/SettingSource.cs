namespace PyResolve.Client;

/// <summary>The source of a setting.</summary>
public enum SettingSource
{
    /// <summary>An environment variable.</summary>
    Environment,

    /// <summary><c>config.toml</c>.</summary>
    ConfigFile,
}
