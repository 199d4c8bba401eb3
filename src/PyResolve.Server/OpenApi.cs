using Microsoft.OpenApi;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;

namespace PyResolve.Server;

internal static class OpenApi
{
    private const string Key = "api_key";
    private const string Session = "session";

    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer((document, context, _) =>
        {
            document.Servers = [new OpenApiServer { Url = context.ApplicationServices.GetRequiredService<PublicUrl>().Value }];
            document.Info = new OpenApiInfo
            {
                Title = "PyResolve API",
                Version = ServerVersion.Current,
                Description = "API keys, usage, quotas and billing for developer tools. "
                    + "Errors are RFC 9457 problem details with a stable code. Every GET can be sent as HEAD, which is answered alike, "
                    + "without a body. A body may be compressed (Content-Encoding gzip, deflate or br). Beside the statuses listed, any "
                    + "request may be answered 500 after an error in the server.",
            };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
            {
                [Key] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-API-Key" },
                [Session] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer" },
            };
            return Task.CompletedTask;
        });
        options.DescribeSchemas();
        options.DescribeAnswers();
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<AccessRequirement>().LastOrDefault() is not { } requirement)
                return Task.CompletedTask;
            operation.Security = [Requirement(Session, context.Document)];
            if (!requirement.SessionOnly)
                operation.Security.Add(Requirement(Key, context.Document));
            if (requirement.Scope is { } scope)
                operation.Description = $"A key needs the scope `{scope}`.";
            return Task.CompletedTask;
        });
    });

    private static OpenApiSecurityRequirement Requirement(string scheme, OpenApiDocument? document) =>
        new() { [new OpenApiSecuritySchemeReference(scheme, document)] = [] };
}
