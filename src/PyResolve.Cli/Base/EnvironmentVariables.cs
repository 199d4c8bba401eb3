namespace PyResolve.Cli.Base;

/// <summary>The environment variables that messages name; the SDK reads them.</summary>
internal static class EnvironmentVariables
{
    public const string ApiKey = "PYRESOLVE_API_KEY";
    public const string ApiUrl = "PYRESOLVE_API_URL";
    public const string Profile = "PYRESOLVE_PROFILE";
}
