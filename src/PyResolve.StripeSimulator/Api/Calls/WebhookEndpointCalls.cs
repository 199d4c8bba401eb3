using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class WebhookEndpointCalls
{
    private const string Kind = "webhook endpoint";

    public static JsonObject Create(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        if (form.Text("api_version") is { } version && !ApiVersions.IsVersion(version))
            throw ApiErrorException.Invalid($"Invalid API version: {version}", "api_version");
        var endpoint = state.WebhookEndpoints.Add(new WebhookEndpoint
        {
            Id = state.Ids.Next("we"),
            Created = state.Now,
            Secret = Ids.Secret("whsec"),
            Url = RequireUrl(form.Text("url")!),
            EnabledEvents = RequireEvents(form),
            ApiVersion = form.Text("api_version"),
            Description = form.Text("description"),
            Metadata = form.Merge("metadata"),
        });
        var answer = endpoint.Render();
        answer["secret"] = endpoint.Secret;
        return answer;
    }

    public static JsonObject Get(ApiCall call) => FindExisting(call).Render();

    public static JsonObject List(ApiCall call) => Lists.Page(
        call, "/v1/webhook_endpoints", Kind, call.State.WebhookEndpoints.NewestFirst.Where(static endpoint => !endpoint.IsDeleted));

    public static JsonObject Update(ApiCall call)
    {
        var form = call.Form;
        var endpoint = FindExisting(call);
        endpoint.Url = form.Text("url") is { } url ? RequireUrl(url) : endpoint.Url;
        endpoint.EnabledEvents = form.Has("enabled_events") ? RequireEvents(form) : endpoint.EnabledEvents;
        endpoint.Description = form.Text("description") ?? endpoint.Description;
        endpoint.IsEnabled = form.Text("disabled") is { } disabled ? disabled == "false" : endpoint.IsEnabled;
        endpoint.Metadata = form.Merge("metadata", endpoint.Metadata);
        return endpoint.Render();
    }

    public static JsonObject Delete(ApiCall call)
    {
        var endpoint = FindExisting(call);
        endpoint.IsDeleted = true;
        return endpoint.Render();
    }

    private static WebhookEndpoint FindExisting(ApiCall call) =>
        call.GetByPath(call.State.WebhookEndpoints, Kind) is { IsDeleted: false } endpoint
        ? endpoint
        : throw ApiErrorException.Missing(Kind, call.Id);

    private static string RequireUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? text
            : throw ApiErrorException.Invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid");

    private static IReadOnlyList<string> RequireEvents(Form form) => form.Texts("enabled_events") is { Count: > 0 } events
        ? events
        : throw ApiErrorException.MissingParameter("enabled_events");
}
