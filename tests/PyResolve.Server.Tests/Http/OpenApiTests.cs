using System.Text.Json;

namespace PyResolve.Server.Tests.Http;

public sealed class OpenApiTests(SharedServers servers)
{
    // The credential that each route requires: none, a session, or either.
    private static readonly Dictionary<string, string[]> Routes = new()
    {
        ["GET /"] = [],
        ["GET /health"] = [],
        ["GET /health/ready"] = [],
        ["GET /plans"] = [],
        ["GET /.well-known/jwks.json"] = [],
        ["POST /auth/signup"] = [],
        ["POST /auth/login"] = [],
        ["POST /auth/logout"] = ["session"],
        ["GET /me"] = ["api_key", "session"],
        ["GET /auth/api-keys"] = ["api_key", "session"],
        ["POST /auth/api-keys"] = ["api_key", "session"],
        ["DELETE /auth/api-keys/{id}"] = ["api_key", "session"],
        ["POST /auth/api-keys/{id}/rotate"] = ["api_key", "session"],
        ["POST /auth/api-keys/report-leak"] = [],
        ["GET /auth/sessions"] = ["session"],
        ["DELETE /auth/sessions/{id}"] = ["session"],
        ["POST /auth/device/code"] = [],
        ["POST /auth/device/token"] = [],
        ["POST /auth/password"] = ["session"],
        ["POST /auth/password/forgot"] = [],
        ["POST /auth/password/reset"] = [],
        ["POST /auth/email"] = ["session"],
        ["POST /auth/email/verify"] = [],
        ["POST /auth/totp"] = ["session"],
        ["POST /auth/totp/confirm"] = ["session"],
        ["DELETE /auth/totp"] = ["session"],
        ["DELETE /auth/account"] = ["session"],
        ["PATCH /me"] = ["session"],
        ["GET /audit"] = ["session"],
        ["GET /quota"] = ["api_key", "session"],
        ["POST /quota/reservations"] = ["api_key", "session"],
        ["GET /quota/reservations"] = ["api_key", "session"],
        ["GET /quota/reservations/{id}"] = ["api_key", "session"],
        ["PATCH /quota/reservations/{id}"] = ["api_key", "session"],
        ["POST /quota/reservations/{id}/commit"] = ["api_key", "session"],
        ["DELETE /quota/reservations/{id}"] = ["api_key", "session"],
        ["POST /migrate"] = ["api_key", "session"],
        ["GET /migrate/{id}"] = ["api_key", "session"],
        ["DELETE /migrate/{id}"] = ["api_key", "session"],
        ["POST /usage"] = ["api_key", "session"],
        ["POST /usage/batch"] = ["api_key", "session"],
        ["GET /usage"] = ["api_key", "session"],
        ["GET /usage/history"] = ["api_key", "session"],
        ["GET /usage/events"] = ["api_key", "session"],
        ["GET /usage/export.csv"] = ["api_key", "session"],
        ["POST /billing/checkout"] = ["api_key", "session"],
        ["GET /billing/portal"] = ["api_key", "session"],
        ["GET /billing/subscription"] = ["api_key", "session"],
        ["GET /billing/invoices"] = ["api_key", "session"],
        ["POST /billing/overage"] = ["api_key", "session"],
        ["POST /webhooks/stripe"] = [],
    };

    [Fact]
    public async Task The_document_lists_every_route_with_its_security()
    {
        var document = await ReadAsync();

        var listed = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject(), (path, operation) => (Path: path.Name, Operation: operation))
            .ToDictionary(route => $"{route.Operation.Name.ToUpperInvariant()} {route.Path}", route => SecurityOf(route.Operation.Value));

        listed.Keys.ShouldBe(Routes.Keys, ignoreOrder: true);
        foreach (var (route, security) in Routes)
            listed[route].ShouldBe(security, ignoreOrder: true, route);
    }

    [Fact]
    public async Task Both_ways_to_send_a_credential_are_described()
    {
        var schemes = (await ReadAsync()).GetProperty("components").GetProperty("securitySchemes");

        schemes.GetProperty("api_key").GetProperty("name").GetString().ShouldBe("X-API-Key");
        schemes.GetProperty("session").GetProperty("scheme").GetString().ShouldBe("bearer");
    }

    [Fact]
    public async Task Member_names_are_the_wires()
    {
        var members = (await ReadAsync())
            .GetProperty("components")
            .GetProperty("schemas")
            .GetProperty("UsageEventRequest")
            .GetProperty("properties");

        members.EnumerateObject().Select(member => member.Name).ShouldBe(
            ["event_type", "library", "tier", "files_changed", "tokens_used", "metadata", "id", "occurred_at", "reservation_id"],
            ignoreOrder: true);
    }

    private async Task<JsonElement> ReadAsync()
    {
        var answer = await (await servers.OnAsync(StorageEngine.Sqlite)).Anonymous.GetAsync("/openapi/v1.json");
        answer.Status.ShouldBe(200);
        return answer.Body;
    }

    private static string[] SecurityOf(JsonElement operation) => operation.TryGetProperty("security", out var alternatives)
        ? [.. alternatives.EnumerateArray().SelectMany(alternative => alternative.EnumerateObject()).Select(scheme => scheme.Name)]
        : [];
}
