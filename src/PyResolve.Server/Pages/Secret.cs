namespace PyResolve.Server.Pages;

/// <summary>A new API key, on the only page that shows it.</summary>
internal sealed record Secret(string ApiKey, string ServerUrl);
