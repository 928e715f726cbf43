"""Routes of templates and deployments."""

from __future__ import annotations

from fastapi import APIRouter, Response

from baas.api.calls import Calling, Paging, page_out
from baas.api.chains import Name
from baas.deployments.schemas import DeploymentIn, DeploymentOut, MirrorOut, TemplateOut, TemplatesOut
from baas.wire import Page
from sandbox import catalogue

router = APIRouter(tags=["deployments"])


@router.get("/templates", tags=["templates"])
def list_templates(call: Calling) -> TemplatesOut:
    """What may be deployed, explained in Catalan, Spanish and English."""
    return TemplatesOut(items=[TemplateOut.model_validate(each) for each in catalogue.templates().values()])


@router.get("/templates/{slug}", tags=["templates"])
def show_template(slug: str, call: Calling) -> TemplateOut:
    """One template: its parameters, roles, actions and privacy note."""
    return TemplateOut.model_validate(catalogue.template(slug))


@router.post("/chains/{chain}/deployments", status_code=201, response_model=DeploymentOut)
def deploy(chain: Name, body: DeploymentIn, call: Calling) -> Response:
    """Deploys a template from the chain's technical account; the code at the address is verified."""
    return call.act(
        lambda: DeploymentOut.model_validate(
            call.services.deployments.deploy(call.scope, chain, body.template, body.parameters)
        )
    )


@router.get("/chains/{chain}/deployments")
def list_deployments(chain: Name, call: Calling, page: Paging) -> Page[DeploymentOut]:
    """The deployments on a chain."""
    return page_out(DeploymentOut, call.services.deployments.listing(call.scope, chain, page))


@router.post("/chains/{chain}/mirror", response_model=MirrorOut)
def mirror_permissions(chain: Name, call: Calling) -> Response:
    """Repeats the chain's permissions in its newest `account-allowlist` contract, for those who read on chain."""
    return call.act(
        lambda: MirrorOut.model_validate(call.services.deployments.mirror(call.scope, chain)), 200
    )
