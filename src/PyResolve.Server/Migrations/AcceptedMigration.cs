using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Migrations;

/// <summary>The answer 202: the migration is still running.</summary>
internal sealed class AcceptedMigration(RemoteMigration migration) : IResult, IEndpointMetadataProvider
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status202Accepted;
        httpContext.Response.Headers.Location = $"/migrate/{migration.Id}";
        httpContext.Response.Headers["Preference-Applied"] = "respond-async";
        return httpContext.Response.WriteJsonAsync(migration);
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(
            StatusCodes.Status202Accepted, typeof(RemoteMigration), ["application/json"]));
}
