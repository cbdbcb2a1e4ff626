"""What the quotas of all services have in common.

A project always has a quota: creating sets it, deleting leaves it, as Pulumi's provider does. The
id is `<project>/<region>`. Which limits there are is said by the types.
"""

from __future__ import annotations

import re
import time
from typing import Final

from kraj.errors import KrajError
from kraj.openstack.errors import status_of
from kraj.openstack.fields import text
from kraj.openstack.resource import Properties, Resource

_BAD_REQUEST: Final = 400
#: How Nova, Neutron and Cinder refuse a limit below what they count.
_IN_USE: Final = re.compile(r"already used|existing resources")
_LOOKS: Final = 2  #: how often a limit that was refused so is set again


class QuotaResource(Resource):
    """Base of the quota types."""

    relation = True

    project_id = text(required=True, replaces=True, sent=False)

    def object_path(self, identity: str) -> str:
        """Quotas are kept by project."""
        return f"{self.path}/{identity.partition('/')[0]}"

    def send_create(self, inputs: Properties) -> Properties:
        """Set the quota of the project."""
        project = inputs["projectId"]
        found = self.put_update(project, inputs, self.create_body(inputs)) or {}
        return {**found, "id": f"{project}/{inputs.get('region') or self.cloud.region_name}"}

    def put_update(self, identity: str, news: Properties, body: Properties) -> Properties | None:
        """Set limits; again after a moment where there seems to be more.

        Cinder says that a volume is gone a little before it no longer counts it.
        """
        for pause in self.cloud.policy.look_delays_seconds[:_LOOKS]:
            try:
                return super().put_update(identity, news, body)
            except KrajError as error:
                if status_of(error) != _BAD_REQUEST or not _IN_USE.search(error.message):
                    raise
                self.cloud.tell(f"{error.message}; again in {pause:.1f} s")
            time.sleep(pause)
        return super().put_update(identity, news, body)

    def natural_identity(self, inputs: Properties) -> str:
        """Project and region."""
        return f"{inputs['projectId']}/{inputs.get('region') or self.cloud.region_name}"

    def fetch(self, identity: str) -> Properties | None:
        """The quota; Nova calls the request wrong where the project does not exist any more."""
        try:
            return super().fetch(identity)
        except KrajError as error:
            if status_of(error) != _BAD_REQUEST:
                raise
            return None

    def send_delete(self, _identity: str, _outputs: Properties) -> bool:
        """Leave the quota as it is."""
        return False

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """The id names the project."""
        found = {**found, "project_id": identity.partition("/")[0]}
        return super().outputs(identity, found, known)
