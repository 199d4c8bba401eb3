global using PyResolve.Client;
global using PyResolve.Client.Wire;
global using PyResolve.Server.Tests.Http;
global using PyResolve.TestKit;
global using PyResolve.Testing.Tests.Drivers;
global using Shouldly;
global using Xunit;
