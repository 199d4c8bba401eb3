using System.Globalization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;

namespace PyResolve.Server;

/// <summary>Lists the statuses of each operation: those that follow from what it reads and requires, and those of its route.</summary>
internal static class OpenApiAnswers
{
    private static readonly Dictionary<string, int[]> OfRoute = new(StringComparer.Ordinal)
    {
        ["POST auth/signup"] = [403, 409, 429, 503],
        ["POST auth/login"] = [401, 429, 503],
        ["POST auth/logout"] = [409],
        ["DELETE auth/account"] = [422],
        ["POST auth/password"] = [409],
        ["POST auth/password/forgot"] = [503],
        ["POST auth/password/reset"] = [503],
        ["POST auth/email"] = [409],
        ["POST auth/email/verify"] = [503],
        ["POST auth/totp"] = [409],
        ["POST auth/totp/confirm"] = [409],
        ["DELETE auth/totp"] = [409],
        ["POST auth/api-keys"] = [409],
        ["POST auth/api-keys/{id}/rotate"] = [409],
        ["POST auth/api-keys/report-leak"] = [503],
        ["POST auth/device/code"] = [429, 503],
        ["POST auth/device/token"] = [503],
        ["GET health/ready"] = [503],
        ["POST quota/reservations"] = [402, 409],
        ["PATCH quota/reservations/{id}"] = [409],
        ["DELETE quota/reservations/{id}"] = [409],
        ["POST quota/reservations/{id}/commit"] = [409],
        ["POST usage"] = [409],
        ["POST migrate"] = [402],
        ["POST billing/checkout"] = [409],
        ["POST billing/overage"] = [409],
        ["POST webhooks/stripe"] = [400, 413, 503],
    };

    /// <summary>The query parameters, which are all optional. An empty one counts as absent.</summary>
    private static readonly Dictionary<string, OpenApiSchema> Parameters = new(StringComparer.Ordinal)
    {
        ["month"] = new() { Type = JsonSchemaType.String, Pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$" },
        ["months"] = new() { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "36" },
        ["limit"] = new() { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = "1000" },
    };

    public static void DescribeAnswers(this OpenApiOptions options) => options.AddOperationTransformer(DescribeAsync);

    private static async Task DescribeAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var problem = await context.GetOrCreateSchemaAsync(typeof(Problem), null, cancellationToken);
        context.Document!.AddComponent(nameof(Problem), problem);
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var path = context.Description.RelativePath?.TrimEnd('/').Replace(":guid}", "}", StringComparison.Ordinal);
        var route = $"{context.Description.HttpMethod} {path}";
        SortedSet<int> statuses = [.. OfRoute.GetValueOrDefault(route, [])];
        if (operation.RequestBody is not null)
            statuses.UnionWith([400, 413, 415, 422]);
        var requirement = metadata.OfType<AccessRequirement>().LastOrDefault();
        if (requirement is not null)
        {
            // 400 for two credentials at once, 429 for a key with a limit.
            statuses.UnionWith([400, 401, 429, 503]);
            if (requirement.Scope is not null || requirement.SessionOnly)
                statuses.Add(403);
        }

        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            if (parameter.In is ParameterLocation.Path)
                statuses.Add(404);
            if (parameter.In is not ParameterLocation.Query)
                continue;
            // GET /audit answers 400 to a cursor that is not valid.
            if (requirement is not { SessionOnly: true })
                statuses.Add(422);
            if (Parameters.TryGetValue(parameter.Name!, out var schema))
                parameter.Schema = schema;
        }

        operation.Responses ??= [];
        foreach (var status in statuses)
            operation.Responses.TryAdd(status.ToString(CultureInfo.InvariantCulture), Describe(status, context.Document));
    }

    private static OpenApiResponse Describe(int status, OpenApiDocument document)
    {
        var response = new OpenApiResponse
        {
            Description = ReasonPhrases.GetReasonPhrase(status),
            Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference(nameof(Problem), document) },
            },
        };
        if (status is 429 or 503)
        {
            response.Headers = new Dictionary<string, IOpenApiHeader>(StringComparer.Ordinal)
            {
                ["Retry-After"] = new OpenApiHeader
                {
                    Description = "Seconds until the request may be sent again. Absent where waiting does not help.",
                    Schema = new OpenApiSchema { Type = JsonSchemaType.Integer },
                },
            };
        }

        return response;
    }
}
