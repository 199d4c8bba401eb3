using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace PyResolve.Testing.Tests.Drivers;

/// <summary>A server whose answers have unknown members in every object.</summary>
public sealed class NewerServer() : OtherRelease(static answer =>
{
    answer["x_new_flag"] = true;
    answer["x_new_object"] = new JsonObject { ["deep"] = new JsonArray(1, null, "text") };
});

/// <summary>A server whose answers have only the members that a client needs.</summary>
public sealed class OlderServer() : OtherRelease(static answer =>
{
    foreach (var name in (string[])
             ["migrations_held", "month", "resets_at", "quota", "receipt", "lease", "library", "late", "expires_at", "recorded",
              "duplicates", "conflicts", "invalid", "errors", "type", "title", "request_id", "upgrade_url", "usage_event_id"])
    {
        answer.Remove(name);
    }
});

/// <summary>Rewrites each object in the server's answers, except users' data and errors by field.</summary>
public abstract class OtherRelease(Action<JsonObject> rewrite) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        var type = response.Content.Headers.ContentType;
        if (type?.MediaType is not ("application/json" or "application/problem+json"))
            return response;
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        Rewrite(answer);
        response.Content = new StringContent(answer!.ToJsonString(), Encoding.UTF8)
        {
            Headers = { ContentType = MediaTypeHeaderValue.Parse(type.ToString()) },
        };
        return response;
    }

    private void Rewrite(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array)
                Rewrite(item);
        }

        if (node is not JsonObject answer)
            return;
        foreach (var (name, value) in answer.ToList())
        {
            if (name is not ("metadata" or "errors" or "files"))
                Rewrite(value);
        }

        rewrite(answer);
    }
}
