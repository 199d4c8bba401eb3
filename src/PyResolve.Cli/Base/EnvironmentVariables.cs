namespace PyResolve.Cli.Base;

internal static class EnvironmentVariables
{
    public const string ApiKey = "PYRESOLVE_API_KEY";
    public const string ApiUrl = "PYRESOLVE_API_URL";
    public const string Profile = "PYRESOLVE_PROFILE";
}
